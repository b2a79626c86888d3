/**
 * Window and level by a drag. Cornerstone's own never goes below a width of 1, which is all that a map of floating point
 * has; and it knows of no rendering in space.
 */
import * as core from "@cornerstonejs/core";
import { WindowLevelTool } from "@cornerstonejs/tools";
import type { Types } from "@cornerstonejs/tools";

import { tune } from "./space";

const USUAL_PER_PX = 4;

interface Dragged {
  viewport: core.Types.IViewport;
  deltaPointsCanvas: core.Types.Point2;
  volumeId: string | undefined;
  lower: number;
  upper: number;
}

export class WindowTool extends WindowLevelTool {
  static override toolName = "WindowLevel";

  override mouseDragCallback(event: Types.EventTypes.InteractionEventType): void {
    const { element, deltaPoints } = event.detail;
    const viewport = core.getEnabledElement(element)?.viewport;
    if (viewport instanceof core.VolumeViewport3D) tune(viewport, ...deltaPoints.canvas);
    else super.mouseDragCallback(event);
  }

  override getNewRange({ viewport, deltaPointsCanvas: [right, down], volumeId, lower, upper }: Dragged) {
    const perPx = this._getMultiplierFromDynamicRange(viewport, volumeId) || USUAL_PER_PX;
    // Whole values have no window of less than one.
    const least = Math.min(1, perPx);
    const width = Math.max(least, upper - lower + right * perPx);
    const center = (lower + upper) / 2 + down * perPx;
    return { lower: center - width / 2, upper: center + width / 2 };
  }
}
