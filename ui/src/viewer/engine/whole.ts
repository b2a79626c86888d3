/** Which findings are all there: those that somebody began and left are neither shown nor kept. */

interface Drawn {
  metadata?: { toolName?: string } | undefined;
  data: { handles?: { points?: readonly (readonly number[])[] } };
}

type Stroke = readonly [from: number, to: number];
const ACROSS: Stroke = [0, 1];
/** The strokes of tools that measure, between their points, by Cornerstone's name. */
const STROKES: Record<string, readonly Stroke[]> = {
  Length: [ACROSS],
  Angle: [ACROSS, [1, 2]],
  CobbAngle: [ACROSS, [2, 3]],
  RectangleROI: [[0, 3]],
  EllipticalROI: [ACROSS, [2, 3]],
};
/** Whatever is shorter is a click, in mm or pixels. */
const SHORTEST = 1e-3;

/** Whether each stroke of a finding leads somewhere. */
export function isWhole({ metadata, data }: Drawn): boolean {
  const points = data.handles?.points ?? [];
  return (STROKES[metadata?.toolName ?? ""] ?? []).every(([from, to]) => {
    const [start, end] = [points[from], points[to]];
    return start?.some((at, axis) => Math.abs(at - (end?.[axis] ?? at)) > SHORTEST) === true;
  });
}
