/**
 * How a block looks in space. Values of CT mean something (HU) and have renderings of their own; all others are seen by
 * what their block holds: nothing, tissue, the brightest. Pure, so that it can be tested.
 */

export type Colour = readonly [red: number, green: number, blue: number];

export interface Point {
  /** HU, or 0 for nothing, 1 for where tissue begins, 2 for the brightest. */
  at: number;
  /** From 0 to 1, of 1 mm. */
  opacity: number;
  colour: Colour;
}

export interface Rendering {
  name: string;
  /** Whether values are HU. */
  isAbsolute: boolean;
  /** The brightest along each ray alone, and not all that lies there. */
  isMaximum: boolean;
  points: readonly Point[];
}

const WHITE: Colour = [1, 1, 1];
const BLACK: Colour = [0, 0, 0];
const point = (at: number, opacity: number, ...colour: Colour): Point => ({ at, opacity, colour });

/** Of the brightest alone, from black to white. */
const mip = (isAbsolute: boolean, from: number, to: number): Rendering => ({
  name: "mip",
  isAbsolute,
  isMaximum: true,
  points: [point(from, 1, ...BLACK), point(to, 1, ...WHITE)],
});

const solid = (name: string, isAbsolute: boolean, points: readonly Point[]): Rendering => ({
  name,
  isAbsolute,
  isMaximum: false,
  points,
});

const CT: readonly Rendering[] = [
  solid("bone", true, [
    point(120, 0, 0.45, 0.22, 0.14),
    point(250, 0.25, 0.82, 0.62, 0.45),
    point(500, 0.65, 0.94, 0.86, 0.72),
    point(1500, 0.9, ...WHITE),
  ]),
  solid("muscle", true, [
    point(-20, 0, 0.4, 0.12, 0.1),
    point(60, 0.15, 0.72, 0.28, 0.22),
    point(150, 0.35, 0.84, 0.52, 0.4),
    point(350, 0.7, 0.93, 0.83, 0.69),
    point(1500, 0.9, ...WHITE),
  ]),
  solid("skin", true, [
    point(-500, 0, 0.72, 0.5, 0.4),
    point(-250, 0.35, 0.88, 0.68, 0.57),
    point(-80, 0.7, 0.95, 0.79, 0.69),
    point(300, 0.8, 0.98, 0.88, 0.8),
  ]),
  solid("lung", true, [
    point(-960, 0, 0.45, 0.6, 0.75),
    point(-880, 0.05, 0.55, 0.7, 0.85),
    point(-700, 0.07, 0.75, 0.8, 0.88),
    point(-550, 0.04, 0.9, 0.8, 0.78),
    point(-420, 0, 0.9, 0.7, 0.65),
  ]),
  solid("vessels", true, [
    point(130, 0, 0.45, 0.07, 0.05),
    point(200, 0.25, 0.75, 0.18, 0.12),
    point(320, 0.6, 0.9, 0.5, 0.36),
    point(600, 0.85, 0.97, 0.88, 0.76),
  ]),
  mip(true, -150, 900),
];

const OTHERS: readonly Rendering[] = [
  solid("surface", false, [
    point(0.7, 0, 0.3, 0.16, 0.1),
    point(1, 0.12, 0.68, 0.47, 0.36),
    point(1.4, 0.4, 0.9, 0.77, 0.65),
    point(2, 0.8, ...WHITE),
  ]),
  solid("depth", false, [
    point(0.8, 0, 0.2, 0.2, 0.25),
    point(1.1, 0.015, 0.45, 0.5, 0.6),
    point(1.6, 0.06, 0.8, 0.82, 0.85),
    point(2, 0.4, ...WHITE),
  ]),
  solid("vessels", false, [
    point(1.5, 0, 0.45, 0.07, 0.05),
    point(1.75, 0.4, 0.88, 0.35, 0.22),
    point(2, 0.9, 1, 0.9, 0.78),
  ]),
  mip(false, 0.2, 2),
];

/** The renderings of a modality, its usual one first. */
export function renderingsOf(modality: string): readonly Rendering[] {
  if (modality === "CT") return CT;
  // Of what was taken up, the brightest counts.
  return modality === "PT" || modality === "NM" ? [...OTHERS].reverse() : OTHERS;
}

/** The rendering that is chosen, or the usual one. */
export function renderingOf(chosen: string, modality: string): Rendering {
  const own = renderingsOf(modality);
  const found = own.find((each) => each.name === chosen) ?? own[0];
  if (!found) throw new Error(`no rendering of ${modality}`);
  return found;
}

/** What the values of a block mean where nobody says: nothing, where tissue begins, the brightest. */
export interface Levels {
  low: number;
  tissue: number;
  high: number;
}

const BINS = 256;
const [LOWEST, BRIGHTEST] = [0.01, 0.998];

/** Return the levels of values, which are sorted in place; outliers at both ends count for nothing. */
export function levelsOf(values: Float32Array): Levels {
  const sorted = values.sort();
  const share = (part: number) => sorted[Math.round((sorted.length - 1) * part)] ?? 0;
  const [low, high] = [share(LOWEST), share(BRIGHTEST)];
  if (!(high > low)) return { low, tissue: low + 0.5, high: low + 1 };
  const counts = new Float64Array(BINS);
  for (const value of sorted) {
    const bin = Math.floor(((value - low) / (high - low)) * BINS);
    if (bin >= 0 && bin < BINS) counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return { low, tissue: low + ((parting(counts) + 1) / BINS) * (high - low), high };
}

/** The last bin of the darker of two classes that differ most (Otsu, 1979). */
function parting(counts: Float64Array): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const all = counts.reduce((sum, count, bin) => sum + count * bin, 0);
  let [best, bestBin, count, sum] = [0, 0, 0, 0];
  counts.forEach((each, bin) => {
    count += each;
    sum += each * bin;
    const others = total - count;
    if (count === 0 || others === 0) return;
    const between = count * others * (sum / count - (all - sum) / others) ** 2;
    if (between > best) [best, bestBin] = [between, bin];
  });
  return bestBin;
}

/** What a reader changed of a rendering: moved by, and made wider by. */
export interface Tuning {
  shift: number;
  width: number;
}

export const UNTUNED: Tuning = { shift: 0, width: 1 };

/** The points of a rendering at the values of a block. */
export function pointsFor({ points, isAbsolute }: Rendering, levels: Levels, tuning = UNTUNED): Point[] {
  const placed = points.map((each) => ({ ...each, at: isAbsolute ? each.at : valueAt(levels, each.at) }));
  const [first, last] = [placed[0]?.at ?? 0, placed[placed.length - 1]?.at ?? 1];
  const middle = (first + last) / 2;
  return placed.map((each) => ({ ...each, at: middle + (each.at - middle) * tuning.width + tuning.shift }));
}

const valueAt = ({ low, tissue, high }: Levels, at: number) =>
  at < 1 ? low + (tissue - low) * at : tissue + (high - tissue) * (at - 1);
