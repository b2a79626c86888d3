/** Opens and fills panes: stacks, planes through a block of slices, the block itself. */
import * as core from "@cornerstonejs/core";
import { wadors } from "@cornerstonejs/dicom-image-loader";
import { utilities } from "@cornerstonejs/tools";

import { film } from "@/theme/tokens";

import { text } from "../study/dicomJson";
import type { DicomObject } from "../study/dicomJson";
import { asLoaded } from "../study/forms";
import { keepHeader } from "../study/frames";
import { beginning } from "../study/stack";
import type { Stack } from "../study/stack";
import { getState, setState } from "../state";
import { renderingOf, renderingsOf } from "./renderings";
import { modalityOf, render } from "./space";
import { engine, ENGINE } from "./start";
import { groupOf } from "./tools";
import type { GroupName } from "./tools";

export const stackPane = (index: number) => `stack-${index}`;
export const planes = ["axial", "sagittal", "coronal"] as const;
export type PlaneName = (typeof planes)[number];
export const planePane = (plane: PlaneName) => `plane-${plane}`;
export const VOLUME_PANE = "volume";

const { ViewportType, OrientationAxis } = core.Enums;
const AXES: Record<PlaneName, core.Enums.OrientationAxis> = {
  axial: OrientationAxis.AXIAL,
  sagittal: OrientationAxis.SAGITTAL,
  coronal: OrientationAxis.CORONAL,
};

/** The film's ground as the renderer wants it: 0 to 1 each. */
const GROUND = [1, 3, 5].map((at) => parseInt(film.ground.slice(at, at + 2), 16) / 255) as core.Types.Point3;

function open(
  id: string,
  element: HTMLDivElement,
  type: core.Enums.ViewportType,
  group: GroupName,
  axis?: PlaneName,
) {
  engine().enableElement({
    viewportId: id,
    element,
    type,
    defaultOptions: { background: GROUND, ...(axis ? { orientation: AXES[axis] } : {}) },
  });
  groupOf(group).addViewport(id, ENGINE);
  return () => {
    groupOf(group).removeViewports(ENGINE, id);
    engine().disableElement(id);
  };
}

/** Make `element` a pane for stacks. Returns how to close it. */
export const openStackPane = (id: string, element: HTMLDivElement) =>
  open(id, element, ViewportType.STACK, "stack");

export const openPlane = (plane: PlaneName, element: HTMLDivElement) =>
  open(planePane(plane), element, ViewportType.ORTHOGRAPHIC, "planes", plane);

export const openVolumePane = (element: HTMLDivElement) =>
  // Seen from the front, as one meets people.
  open(VOLUME_PANE, element, ViewportType.VOLUME_3D, "volume", "coronal");

/** Let panes be as large as their elements; what is drawn over planes does not follow by itself. */
export function resize(keepsView: boolean): void {
  engine().resize(true, keepsView);
  utilities.triggerAnnotationRenderForViewportIds(
    engine()
      .getViewports()
      .map((each) => each.id),
  );
}

export function stackViewport(id: string): core.StackViewport | undefined {
  const viewport = engine().getViewport<core.Types.IViewport | undefined>(id);
  return viewport instanceof core.StackViewport ? viewport : undefined;
}

export function volumeViewport(id: string): core.BaseVolumeViewport | undefined {
  const viewport = engine().getViewport<core.Types.IViewport | undefined>(id);
  return viewport instanceof core.BaseVolumeViewport ? viewport : undefined;
}

/** Tell the loader what the headers say; they are asked for once, with the series. */
function learn(stack: Stack): string[] {
  for (const { imageId, frame, header } of stack.pictures) {
    if (frame !== 1) continue;
    keepHeader(imageId, header);
    wadors.metaDataManager.add(imageId, withModality(asLoaded(header)) as never);
  }
  return stack.pictures.map((each) => each.imageId);
}

/** The loader fails where an object says no modality, as converters of pictures leave it out. */
const withModality = (header: DicomObject): DicomObject =>
  text(header, "00080060") ? header : { ...header, "00080060": { vr: "CS", Value: ["OT"] } };

/** Show a stack from an image on. What cannot be loaded is told by `failures`. */
export async function showStack(id: string, stack: Stack, start = beginning(stack)): Promise<void> {
  const viewport = stackViewport(id);
  if (!viewport || stack.pictures.length === 0) return;
  await viewport.setStack(learn(stack), start);
  const { voiRange } = viewport.getProperties();
  // PS3.3 C.11.2.1.2.1: a linear window of width 1 is a step, which the renderer draws as nothing at all.
  if (voiRange && voiRange.upper <= voiRange.lower)
    viewport.setProperties({ voiRange: { lower: voiRange.lower, upper: voiRange.lower + 1 } });
  // A picture that could not be loaded is never drawn.
  if (viewport.getActors().length === 0) return;
  const drawn = untilDrawn(viewport.element);
  viewport.render();
  await drawn;
}

const volumeId = (stack: Stack) => `cornerstoneStreamingImageVolume:${stack.ref.series}`;

/** Load the block of a stack into panes; settles when every slice is in. */
export async function showVolume(stack: Stack, panes: readonly string[], preset: string): Promise<void> {
  const id = volumeId(stack);
  const volume = await core.volumeLoader.createAndCacheVolume(id, { imageIds: learn(stack) });
  const loaded = untilLoaded(id);
  const flat = panes.filter((pane) => pane !== VOLUME_PANE);
  if (flat.length > 0) await core.setVolumesForViewports(engine(), [{ volumeId: id }], flat);
  (volume as core.Types.IStreamingImageVolume).load();
  engine().renderViewports(flat);
  await loaded;
  if (panes.includes(VOLUME_PANE)) {
    // Rendered once whole: every slice that comes in would be a frame of its own, and those are dear.
    await core.setVolumesForViewports(engine(), [{ volumeId: id }], [VOLUME_PANE]);
    const drawn = untilDrawn(volumeViewport(VOLUME_PANE)?.element);
    showRendering(preset, stack.modality);
    await drawn;
  }
  engine().renderViewports(flat);
}

function untilDrawn(element: HTMLElement | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (!element) resolve();
    element?.addEventListener(core.Enums.Events.IMAGE_RENDERED, () => resolve(), { once: true });
  });
}

/** Render the block as the next preset says, where it is shown. */
export function nextRendering(): void {
  const viewport = volumeViewport(VOLUME_PANE);
  const modality = viewport && modalityOf(viewport);
  if (modality === undefined) return;
  const names = renderingsOf(modality).map((each) => each.name);
  const next = names.indexOf(renderingOf(getState().preset, modality).name) + 1;
  setState({ preset: names[next % names.length] ?? "" });
}

/** Render the block as a preset says. */
export function showRendering(preset: string, modality: string): void {
  const viewport = volumeViewport(VOLUME_PANE);
  if (viewport && viewport.getActors().length > 0) render(viewport, preset, modality);
}

function untilLoaded(id: string): Promise<void> {
  const { eventTarget, Enums } = core;
  const volume = core.cache.getVolume(id) as core.Types.IStreamingImageVolume | undefined;
  if (volume?.loadStatus?.loaded) return Promise.resolve();
  return new Promise((resolve) => {
    const heard = (event: Event) => {
      if ((event as CustomEvent<{ volumeId: string }>).detail.volumeId !== id) return;
      eventTarget.removeEventListener(Enums.Events.IMAGE_VOLUME_LOADING_COMPLETED, heard);
      resolve();
    };
    eventTarget.addEventListener(Enums.Events.IMAGE_VOLUME_LOADING_COMPLETED, heard);
  });
}
