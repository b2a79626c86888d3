/**
 * Leaves out of the viewer what libraries bring along and no page of ours calls, two fifths of Cornerstone's code, and
 * what they do twice.
 * Each is counted: a version that brings it along in another way fails here, and makes no page slower.
 */
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

import type { Plugin } from "vite";

const require = createRequire(import.meta.url);

interface Entry {
  tag: string;
  vr: string;
  vm: string;
}

/** What is left of dcmjs: the tags that Cornerstone names, the syntaxes, and its log, which tells warnings and errors. */
function partOfDcmjs(): string {
  const { data, constants } = require("dcmjs") as {
    data: { DicomMetaDictionary: { nameMap: Record<string, Entry>; dictionary: Record<string, Entry> } };
    constants: Record<string, unknown>;
  };
  const metadata = dirname(require.resolve("@cornerstonejs/metadata"));
  const files = readdirSync(metadata, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".js"),
  );
  const code = files.map((name) => readFileSync(join(metadata, name), "utf8")).join("\n");
  const named = [...new Set(code.match(/\b[A-Z][A-Za-z0-9]+\b/g))].sort();
  const entries = named.flatMap((name) => {
    const entry = data.DicomMetaDictionary.nameMap[name];
    return entry ? [[name, entry.tag, entry.vr, entry.vm]] : [];
  });
  if (entries.length < 100) throw new Error("Cornerstone names its tags in another way than it did");
  const syntaxes = Object.entries(constants).filter(([name]) => name.endsWith("_ENDIAN"));
  return `
    const entries = ${JSON.stringify(entries)}.map(([name, tag, vr, vm]) => ({name, tag, vr, vm}));
    const nameMap = Object.fromEntries(entries.map((each) => [each.name, each]));
    const dictionary = Object.fromEntries(entries.map((each) => [each.tag.replace(/[(),]/g, ""), each]));
    const still = () => undefined;
    const logger = () => ({
      trace: still, debug: still, log: still, info: still, setLevel: still, getLevel: () => 3,
      setDefaultLevel: still, enableAll: still, disableAll: still,
      warn: (...told) => console.warn(...told), error: (...told) => console.error(...told),
    });
    class Absent { constructor() { throw new Error("left out of this build"); } }
    export const log = {...logger(), getLogger: logger, levels: {TRACE: 0, DEBUG: 1, INFO: 2, WARN: 3, ERROR: 4, SILENT: 5}};
    export const constants = ${JSON.stringify(Object.fromEntries(syntaxes))};
    export default {
      data: {DicomMetaDictionary: {nameMap, dictionary}},
      async: {AsyncDicomReader: Absent}, utilities: {DicomMetadataListener: Absent}, constants, log,
    };`;
}

/** Panes that nobody opens: films, slides and curves by Cornerstone, and its next way to draw, which is not ours. */
const panes = [
  "VideoViewport", "WSIViewport", "ECGViewport", "GenericViewport/Planar/PlanarViewport",
  "GenericViewport/Planar/PlanarViewportLegacyAdapter", "GenericViewport/Video/VideoViewport",
  "GenericViewport/Video/VideoViewportLegacyAdapter", "GenericViewport/Volume3D/viewport3D",
  "GenericViewport/Volume3D/VolumeViewport3DLegacyAdapter", "GenericViewport/WSI/WSIViewport",
  "GenericViewport/WSI/WSIViewportLegacyAdapter", "GenericViewport/ECG/ECGViewport",
  "GenericViewport/ECG/ECGViewportLegacyAdapter",
].map((name) => `@cornerstonejs/core/dist/esm/RenderingEngine/${name}.js`); // prettier-ignore

const lists = "@kitware/vtk.js/Rendering/Core/ColorTransferFunction";

/** By what ends the address of a module: what is in its place, as code. */
const instead: Readonly<Record<string, () => string>> = {
  // Files are read, and written, by the server.
  "dcmjs/build/dcmjs.es.js": partOfDcmjs,
  // Drawing through WebGPU, which is for whoever asks for it.
  "@kitware/vtk.js/Rendering/WebGPU/Profiles/Geometry.js": () => "",
  "@kitware/vtk.js/Rendering/WebGPU/Profiles/Volume.js": () => "",
  // Joining outlines of segments.
  "clipper2-ts/dist/index.js": () =>
    ["Clipper", "ClipType", "FillRule", "PolyTreeD"].map((name) => `export const ${name} = {};`).join("\n"),
  // A hundred scales of colours; the well-known ones are in the short list.
  [`${lists}/ColorMaps.json.js`]: () => `export { default } from "./LiteColorMaps.json.js";`,
  // It asks the processor that draws what Cornerstone has asked already, in a context of its own, which is dear.
  "@kitware/vtk.js/Rendering/OpenGL/Texture/supportsNorm16Linear.js": () => `
    import { getRenderingCapabilities } from "@cornerstonejs/core";
    export default () => { const { norm16, norm16Linear } = getRenderingCapabilities(); return norm16 && norm16Linear; };`,
  ...Object.fromEntries(panes.map((name) => [name, () => "export default class {}"])),
};

/** Does nothing by being loaded, and does not say so: what nobody calls of it, such as its decoders, workers have. */
const IDLE = "@cornerstonejs/dicom-image-loader/dist/esm/";

export function lighter(): Plugin {
  const left = new Set(Object.keys(instead));
  return {
    name: "lighter",
    enforce: "pre",
    apply: "build",
    load(id) {
      const found = Object.keys(instead).find((end) => id.endsWith(end));
      if (found === undefined) return undefined;
      left.delete(found);
      return { code: instead[found]?.() ?? "", map: null };
    },
    transform: (_code, id) => (id.includes(IDLE) ? { moduleSideEffects: false } : undefined),
    buildEnd(error) {
      if (!error && left.size > 0)
        this.error(`not met, look for what came in its place: ${[...left].join(", ")}`);
    },
  };
}
