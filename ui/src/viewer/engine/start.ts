/** Starts Cornerstone once: rendering, decoding in workers, tools. Nothing else in the application imports it. */
import * as core from "@cornerstonejs/core";
import { init as initLoader } from "@cornerstonejs/dicom-image-loader";
import * as tools from "@cornerstonejs/tools";

import { SCHEME } from "../study/frames";
import { isKnownFailure } from "./failures";
import { loadFrame } from "./loading";
import { everyTool, styleAnnotations } from "./tools";

export const ENGINE = "calotype";

/** How much is asked at one time, so that what is looked at comes before what might be. */
const { RequestType } = core.Enums;
const AT_ONCE = [
  [RequestType.Interaction, 8],
  [RequestType.Thumbnail, 2],
  [RequestType.Prefetch, 6],
] as const;
const MIB = 1024 * 1024;
const CACHE_BYTES = 2048 * MIB;

/** Whether pixels are drawn by the processor: then every drop of quality that nobody sees is left out. */
export const isSoftware = () => core.getRenderingCapabilities().softwareRasterizer;

function begin(): core.RenderingEngine {
  // One for all panes: each costs time to begin with, and a copy of every block that is cut.
  core.init({ rendering: { webGlContextCount: 1 }, debug: {} });
  core.cache.setMaxCacheSize(CACHE_BYTES);
  initLoader({ maxWebWorkers: Math.min(6, Math.max(1, Math.floor(navigator.hardwareConcurrency / 2))) });
  core.imageLoader.registerImageLoader(SCHEME, loadFrame);
  for (const pool of [core.imageLoadPoolManager, core.imageRetrievalPoolManager]) {
    for (const [type, count] of AT_ONCE) pool.setMaxSimultaneousRequests(type, count);
  }
  // The cache lets go of what could not be loaded a second time; whoever looks at the image is told.
  addEventListener("unhandledrejection", (event) => {
    if (isKnownFailure(event.reason)) event.preventDefault();
  });
  tools.init();
  for (const tool of everyTool) tools.addTool(tool);
  styleAnnotations();
  return new core.RenderingEngine(ENGINE);
}

let running: core.RenderingEngine | undefined;

/** The one rendering engine; every pane is a viewport of it. */
export function engine(): core.RenderingEngine {
  running ??= begin();
  return running;
}
