/** The block in space: rendered as is chosen, tuned by hand, turned back. */
import * as core from "@cornerstonejs/core";
import vtkPiecewiseFunction from "@kitware/vtk.js/Common/DataModel/PiecewiseFunction";
import vtkColorTransferFunction from "@kitware/vtk.js/Rendering/Core/ColorTransferFunction";
import type vtkVolume from "@kitware/vtk.js/Rendering/Core/Volume";
import type vtkVolumeMapper from "@kitware/vtk.js/Rendering/Core/VolumeMapper";

import { levelsOf, pointsFor, renderingOf, UNTUNED } from "./renderings";
import type { Levels, Rendering } from "./renderings";
import { isSoftware } from "./start";

/** A third of the rays each way: what a processor draws is seen in a second, and not in ten. */
const COARSE = 3;
const SLICES = 24;
const VALUES = 100_000;
/** How far a drag over the whole of a pane changes a rendering: by its own width. */
const DRAG_PX = 400;
const NARROWEST = 0.02;

/** Seen from the front, as one meets people. */
const FRONT = { viewPlaneNormal: [0, -1, 0], viewUp: [0, 0, 1] } satisfies core.Types.ICamera;

interface Shown {
  modality: string;
  rendering: Rendering;
  levels: Levels;
  tuning: typeof UNTUNED;
}

const shown = new WeakMap<core.BaseVolumeViewport, Shown>();
const known = new WeakMap<object, Levels>();

/** Render what is in `viewport` as a preset says of its modality, at the values that it holds. */
export function render(viewport: core.BaseVolumeViewport, preset: string, modality: string): void {
  const volume = core.cache.getVolume(viewport.getVolumeId());
  if (!volume) return;
  const levels = known.get(volume) ?? levelsOf(sampled(volume.imageIds));
  known.set(volume, levels);
  apply(viewport, { modality, rendering: renderingOf(preset, modality), levels, tuning: UNTUNED });
}

/** The modality of what is rendered; nothing before it is. */
export const modalityOf = (viewport: core.BaseVolumeViewport): string | undefined =>
  shown.get(viewport)?.modality;

/** Change what is shown as a window is: by a drag to the right wider, by one downwards to higher values. */
export function tune(viewport: core.BaseVolumeViewport, rightPx: number, downPx: number): void {
  const now = shown.get(viewport);
  if (!now) return;
  const points = pointsFor(now.rendering, now.levels);
  const extent = (points[points.length - 1]?.at ?? 1) - (points[0]?.at ?? 0);
  const width = Math.max(NARROWEST, now.tuning.width + rightPx / DRAG_PX);
  const shift = now.tuning.shift + (downPx / DRAG_PX) * extent;
  apply(viewport, { ...now, tuning: { width, shift } });
}

/** Back to how it was when it was opened: seen from the front, as is chosen. */
export function resetSpace(viewport: core.BaseVolumeViewport): void {
  const now = shown.get(viewport);
  viewport.setCamera(FRONT);
  viewport.resetCamera();
  if (now) apply(viewport, { ...now, tuning: UNTUNED });
}

function apply(viewport: core.BaseVolumeViewport, what: Shown): void {
  const actor = viewport.getDefaultActor().actor as vtkVolume | undefined;
  const mapper = actor?.getMapper() as vtkVolumeMapper | undefined;
  if (!actor || !mapper) return;
  shown.set(viewport, what);
  const { rendering, levels, tuning } = what;
  const colours = vtkColorTransferFunction.newInstance();
  const opacities = vtkPiecewiseFunction.newInstance();
  for (const { at, opacity, colour } of pointsFor(rendering, levels, tuning)) {
    colours.addRGBPoint(at, ...colour);
    opacities.addPoint(at, opacity);
  }
  const property = actor.getProperty();
  property.setRGBTransferFunction(0, colours);
  property.setScalarOpacity(0, opacities);
  property.setUseGradientOpacity(0, false);
  property.setInterpolationTypeToLinear();
  property.setShade(!rendering.isMaximum);
  property.setAmbient(0.2);
  property.setDiffuse(0.85);
  property.setSpecular(0.2);
  property.setSpecularPower(12);
  if (rendering.isMaximum) mapper.setBlendModeToMaximumIntensity();
  else mapper.setBlendModeToComposite();
  if (isSoftware()) {
    mapper.setAutoAdjustSampleDistances(false);
    mapper.setImageSampleDistance(COARSE);
    viewport.setProperties({ sampleDistanceMultiplier: COARSE });
  }
  viewport.render();
}

/** Some of the values of a block, from all over it. */
function sampled(imageIds: readonly string[]): Float32Array {
  const step = Math.max(1, Math.floor(imageIds.length / SLICES));
  const slices = imageIds
    .filter((_, index) => index % step === 0)
    .map((imageId) => core.cache.getImage(imageId)?.getPixelData())
    .filter((each) => each !== undefined);
  const count = slices.reduce((sum, each) => sum + each.length, 0);
  // Odd, so that it does not run down columns.
  const stride = Math.max(1, Math.floor(count / VALUES)) | 1;
  const values: number[] = [];
  for (const slice of slices)
    for (let at = 0; at < slice.length; at += stride) {
      const value = slice[at];
      if (value !== undefined && Number.isFinite(value)) values.push(value);
    }
  return Float32Array.from(values);
}
