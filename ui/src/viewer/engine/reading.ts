/** What a pane shows now, for the words over it. */
import * as core from "@cornerstonejs/core";
import { utilities } from "@cornerstonejs/tools";

import { texts } from "../study/dicomJson";
import { headerOf } from "../study/frames";
import { sideAt } from "../study/sides";
import { stackViewport } from "./panes";

export interface Reading {
  /** From 1; 0 where a pane shows no single image. */
  image: number;
  images: number;
  imageId: string;
  /** What is black, and what is white. */
  range: core.Types.VOIRange | undefined;
  zoom: number;
  /** The patient's side at the left and top edge of the pane; nothing where the picture does not say it. */
  left: string;
  top: string;
}

const { Events } = core.Enums;
const CHANGES = [
  Events.STACK_NEW_IMAGE,
  Events.VOLUME_NEW_IMAGE,
  Events.VOI_MODIFIED,
  Events.CAMERA_MODIFIED,
];

/** Hear of every change of what `element` shows, at most once a frame. Returns how to stop. */
export function onChange(element: HTMLElement, listener: () => void): () => void {
  let asked = 0;
  const later = () => {
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      listener();
    });
  };
  for (const name of CHANGES) element.addEventListener(name, later);
  return () => {
    cancelAnimationFrame(asked);
    for (const name of CHANGES) element.removeEventListener(name, later);
  };
}

const TARGETS = [Events.PRE_STACK_NEW_IMAGE, Events.STACK_NEW_IMAGE, Events.VIEWPORT_NEW_IMAGE_SET];

/** Hear at once when a stack is to show another image, whether or not it can. Returns how to stop. */
export function onTarget(element: HTMLElement, listener: () => void): () => void {
  for (const name of TARGETS) element.addEventListener(name, listener);
  return () => {
    for (const name of TARGETS) element.removeEventListener(name, listener);
  };
}

/** The image that a stack shows or is to show. */
export function imageAtHand(pane: string): string | undefined {
  const viewport = stackViewport(pane);
  return viewport && viewport.getImageIds().length > 0 ? viewport.getCurrentImageId() : undefined;
}

/** Read a pane; `undefined` while it is empty. */
export function read(viewport: core.Types.IViewport | undefined): Reading | undefined {
  if (!(viewport instanceof core.StackViewport || viewport instanceof core.VolumeViewport)) return undefined;
  if (viewport.getActors().length === 0) return undefined;
  const { voiRange } = viewport.getProperties() ?? {};
  const isStack = viewport instanceof core.StackViewport;
  return {
    image: (isStack ? viewport.getCurrentImageIdIndex() : viewport.getSliceIndex()) + 1,
    images: isStack ? viewport.getImageIds().length : viewport.getNumberOfSlices(),
    imageId: isStack ? viewport.getCurrentImageId() : "",
    range: voiRange,
    zoom: viewport.getZoom(),
    ...sides(viewport),
  };
}

function sides(viewport: core.StackViewport | core.VolumeViewport): Pick<Reading, "left" | "top"> {
  const { viewUp, viewPlaneNormal } = viewport.getCamera();
  if (!viewUp || !viewPlaneNormal) return { left: "", top: "" };
  const [ux, uy, uz] = viewUp;
  const [nx, ny, nz] = viewPlaneNormal;
  // The normal points at the reader: up x normal is the right hand side, and its opposite the left.
  const left: core.Types.Point3 = [-(uy * nz - uz * ny), -(uz * nx - ux * nz), -(ux * ny - uy * nx)];
  if (viewport instanceof core.StackViewport) {
    const imageId = viewport.getCurrentImageId();
    const plane = core.metaData.get("imagePlaneModule", imageId) as
      { usingDefaultValues?: boolean } | undefined;
    if (!plane || plane.usingDefaultValues) {
      // Without coordinates the renderer counts along rows and down columns.
      const orientation = texts(headerOf(imageId), "00200020");
      return { left: sideAt(orientation, left[0], left[1]), top: sideAt(orientation, ux, uy) };
    }
  }
  const { getOrientationStringLPS } = utilities.orientation;
  return { left: getOrientationStringLPS(left), top: getOrientationStringLPS(viewUp) };
}
