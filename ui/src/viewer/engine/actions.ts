/** What can be done to the pane at hand: by a button, a key or a finger, it is the same function. */
import * as core from "@cornerstonejs/core";

import { getState, setState } from "../state";
import { planePane, planes, stackPane, stackViewport, VOLUME_PANE, volumeViewport } from "./panes";
import type { Window } from "./presets";
import { resetSpace } from "./space";
import { turnedAtHand } from "./turning";

type Viewport = core.StackViewport | core.BaseVolumeViewport;

/** The pane at hand: the active stack, or the planes together, or the block. */
function atHand(): Viewport[] {
  const { layout, active } = getState();
  if (layout === "volume") return [volumeViewport(VOLUME_PANE)].filter((each) => each !== undefined);
  if (layout === "mpr" || layout === "quad")
    return planes.map((plane) => volumeViewport(planePane(plane))).filter((each) => each !== undefined);
  const stack = stackViewport(stackPane(active));
  return stack ? [stack] : [];
}

function change(act: (viewport: Viewport) => void): void {
  for (const viewport of atHand()) {
    act(viewport);
    viewport.render();
  }
}

export const setWindow = ({ center, width }: Pick<Window, "center" | "width">) =>
  change((viewport) => {
    viewport.setProperties({ voiRange: core.utilities.windowLevel.toLowHighRange(width, center) });
  });

export const invert = () =>
  change((viewport) => viewport.setProperties({ invert: !viewport.getProperties()?.invert }));

export const rotate = () =>
  change((viewport) => {
    const { rotation = 0 } = viewport.getViewPresentation();
    viewport.setViewPresentation({ rotation: (rotation + 90) % 360 });
  });

export const flip = (direction: "flipHorizontal" | "flipVertical") =>
  change((viewport) => viewport.setCamera({ [direction]: !viewport.getCamera()[direction] }));

/** Back to how it was when it was opened: planes are thin then. */
export function reset(): void {
  setState({ slab: "off" });
  change((viewport) => {
    if (viewport instanceof core.VolumeViewport3D) {
      resetSpace(viewport);
      return;
    }
    viewport.resetProperties();
    viewport.resetCamera();
    if (viewport instanceof core.StackViewport) viewport.setViewPresentation({ rotation: 0 });
  });
}

export const fit = () => change((viewport) => viewport.resetCamera());

export function scroll(delta: number): void {
  const other = turnedAtHand();
  if (other) other.scroll(delta);
  else change((viewport) => viewport.scroll(delta));
}

/** Go to an image of the active stack; counted from the end where negative. */
export async function goTo(index: number): Promise<void> {
  const other = turnedAtHand();
  if (other) {
    other.goTo(index);
    return;
  }
  const viewport = stackViewport(stackPane(getState().active));
  const count = viewport?.getImageIds().length ?? 0;
  if (!viewport || count === 0) return;
  const target = index < 0 ? count + index : index;
  await viewport.setImageIdIndex(Math.min(Math.max(0, target), count - 1));
}

const { BlendModes } = core.Enums;
const BLENDS = {
  off: BlendModes.COMPOSITE,
  mip: BlendModes.MAXIMUM_INTENSITY_BLEND,
  minip: BlendModes.MINIMUM_INTENSITY_BLEND,
  mean: BlendModes.AVERAGE_INTENSITY_BLEND,
} as const;

/** Cut planes as thick as the slab, or as thin as they are. */
export function setSlab(): void {
  const { slab, slabMm } = getState();
  for (const plane of planes) {
    const viewport = volumeViewport(planePane(plane));
    if (!viewport || viewport.getActors().length === 0) continue;
    viewport.setBlendMode(BLENDS[slab]);
    if (slab === "off") viewport.resetSlabThickness();
    else viewport.setSlabThickness(slabMm);
    viewport.render();
  }
}
