import { addTexts } from "@/i18n";

addTexts("open", {
  en: {
    open: "Open",
    in: "Open in…",
    own: "Viewer",
    compare: "Compare in the viewer",
    ohif: "OHIF",
    "ohif.mpr": "OHIF, planes and 3D",
    programs: "Programs on this computer",
    failed: "It could not be opened",
  },
  "zh-CN": {
    open: "打开",
    in: "打开方式…",
    own: "阅片",
    compare: "在阅片器中对比",
    ohif: "OHIF",
    "ohif.mpr": "OHIF，三平面与三维",
    programs: "本机程序",
    failed: "无法打开",
  },
});
