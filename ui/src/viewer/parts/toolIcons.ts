import {
  IconAngle,
  IconArrowUpRight,
  IconCircleDashed,
  IconCrosshair,
  IconEraser,
  IconHandMove,
  IconCube3dSphere,
  IconRectangle,
  IconRuler2,
  IconSpiral,
  IconStack2,
  IconSunHigh,
  IconTarget,
  IconZoomIn,
  IconZoomScan,
} from "@tabler/icons-react";
import type { ComponentType } from "react";

/** A sign for every tool of `engine/tools`. */
export const toolIcons: Record<string, ComponentType<{ size?: number; stroke?: number }>> = {
  window: IconSunHigh,
  pan: IconHandMove,
  zoom: IconZoomIn,
  scroll: IconStack2,
  magnify: IconZoomScan,
  crosshairs: IconCrosshair,
  rotate3d: IconCube3dSphere,
  length: IconRuler2,
  angle: IconAngle,
  cobb: IconSpiral,
  rectangle: IconRectangle,
  ellipse: IconCircleDashed,
  probe: IconTarget,
  arrow: IconArrowUpRight,
  eraser: IconEraser,
};
