/** Panes that go together: scrolled to the same place, zoomed and moved alike; lines that show where the other cuts. */
import * as core from "@cornerstonejs/core";
import { ReferenceLinesTool, SynchronizerManager, synchronizers } from "@cornerstonejs/tools";

import { follow } from "../study/following";
import type { Shown } from "../study/following";
import { getState } from "../state";
import { stackPane, stackViewport } from "./panes";
import { ENGINE } from "./start";
import { groupOf, nameOf } from "./tools";

const VIEW = "view";
const { STACK_NEW_IMAGE, VIEWPORT_NEW_IMAGE_SET } = core.Enums.Events;

/** Let panes go together from now on. Returns how to part them. */
export function link(panes: readonly string[]): () => void {
  const view = synchronizers.createZoomPanSynchronizer(VIEW);
  for (const viewportId of panes) view.add({ renderingEngineId: ENGINE, viewportId });
  const part = linkPlaces(panes);
  return () => {
    part();
    SynchronizerManager.destroySynchronizer(VIEW);
  };
}

/**
 * Scroll panes together. Cornerstone's own leaves those of two examinations alone, which share no coordinates: here they
 * go as far as the other from where both were when they were linked.
 */
function linkPlaces(panes: readonly string[]): () => void {
  const viewports = panes.map(stackViewport).filter((each) => each !== undefined);
  let begun = new Map<core.StackViewport, Shown>();
  /** The pane under the pointer, once it was used; with keys it is the active one. All others follow. */
  let pointed: core.StackViewport | undefined;
  const begin = () => {
    begun = new Map(viewports.map((each) => [each, shownIn(each)]));
  };
  const scrolled = (source: core.StackViewport) => {
    if (source !== (pointed ?? stackViewport(stackPane(getState().active)))) return;
    const now = shownIn(source);
    for (const target of viewports) {
      const [from, to] = [begun.get(source), begun.get(target)];
      if (target === source || !from || !to) continue;
      const there = shownIn(target);
      const index = follow(now, from, there, to, planeOf);
      if (index !== there.index) void target.setImageIdIndex(index);
    }
  };
  const ended = new AbortController();
  const { signal } = ended;
  for (const viewport of viewports) {
    const { element } = viewport;
    const point = () => {
      pointed = viewport;
    };
    for (const name of ["wheel", "pointerdown"])
      element.addEventListener(name, point, { signal, capture: true, passive: true });
    element.addEventListener(STACK_NEW_IMAGE, () => scrolled(viewport), { signal });
    element.addEventListener(VIEWPORT_NEW_IMAGE_SET, begin, { signal });
  }
  const type = () => {
    pointed = undefined;
  };
  addEventListener("keydown", type, { signal, capture: true });
  begin();
  return () => ended.abort();
}

const shownIn = (viewport: core.StackViewport): Shown => ({
  images: viewport.getImageIds(),
  index: viewport.getTargetImageIdIndex(),
});

/** Where a frame lies, and in which coordinates. */
function planeOf(imageId: string) {
  const told = core.metaData.get("imagePlaneModule", imageId) as
    (core.Types.ImagePlaneModule & { usingDefaultValues?: boolean }) | undefined;
  const { imagePositionPatient: position, rowCosines: row, columnCosines: column } = told ?? {};
  if (!told || told.usingDefaultValues || !position || !row || !column) return undefined;
  const [[a, b, c], [d, e, f]] = [row, column];
  return {
    position,
    normal: [b * f - c * e, c * d - a * f, a * e - b * d] as const,
    space: told.frameOfReferenceUID,
  };
}

/** Show in the other stacks where the `active` one cuts them. */
export function showReferenceLines(active: string, isOn: boolean): void {
  const group = groupOf("stack");
  const lines = nameOf(ReferenceLinesTool);
  group.setToolDisabled(lines);
  if (!isOn) return;
  group.setToolConfiguration(lines, { sourceViewportId: active });
  group.setToolEnabled(lines);
}
