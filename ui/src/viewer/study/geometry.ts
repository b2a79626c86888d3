/** Where frames lie in the patient (PS3.3 C.7.6.2, and C.7.6.16 for frames of one object). */
import type { DicomObject } from "./dicomJson";
import { items, numbers } from "./dicomJson";

export type Vector = readonly [number, number, number];

export interface Plane {
  position: Vector;
  /** Unit vector, away from the image. */
  normal: Vector;
}

/** The functional groups of `frame` (from 1), that of the frame before the shared one. */
function groupsOf(header: DicomObject, frame: number): DicomObject[] {
  const own = items(header, "52009230")[frame - 1];
  const [shared] = items(header, "52009229");
  return [own, shared].filter((each) => each !== undefined);
}

function functional(header: DicomObject, frame: number, sequence: string, tag: string): number[] {
  for (const group of groupsOf(header, frame)) {
    const [macro] = items(group, sequence);
    const found = numbers(macro, tag);
    if (found.length > 0) return found;
  }
  return numbers(header, tag);
}

/** The plane of a frame, where its object says so. */
export function planeOf(header: DicomObject, frame: number): Plane | undefined {
  const position = functional(header, frame, "00209113", "00200032");
  const axes = functional(header, frame, "00209116", "00200037");
  if (position.length !== 3 || axes.length !== 6) return undefined;
  const [a, b, c, d, e, f] = axes as [number, number, number, number, number, number];
  const normal: Vector = [b * f - c * e, c * d - a * f, a * e - b * d];
  if (Math.hypot(...normal) < 0.5) return undefined;
  return { position: position as unknown as Vector, normal };
}

export const dot = (a: Vector, b: Vector) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** How far along its own normal, in mm; planes of one direction sort by it. */
export const depthOf = (plane: Plane, normal: Vector) => dot(plane.position, normal);

const PARALLEL = 0.999;
export const areParallel = (a: Plane, b: Plane) => dot(a.normal, b.normal) > PARALLEL;

const SAME_MM = 1e-3;
/** How much gaps may differ from their median: more is several groups of slices, or a tilted gantry's doubt. */
const UNEVEN = 0.15;

/** Tell whether planes, in their order, are slices of one block: parallel, and as far apart each as the next. */
export function isBlock(planes: readonly (Plane | undefined)[]): boolean {
  const [first] = planes;
  if (!first || planes.length < 3) return false;
  const depths: number[] = [];
  for (const plane of planes) {
    if (!plane || !areParallel(plane, first)) return false;
    depths.push(depthOf(plane, first.normal));
  }
  const gaps = depths.slice(1).map((depth, index) => depth - (depths[index] ?? 0));
  const middle = [...gaps].sort((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? 0;
  return (
    Math.abs(middle) > SAME_MM && gaps.every((gap) => Math.abs(gap - middle) <= UNEVEN * Math.abs(middle))
  );
}
