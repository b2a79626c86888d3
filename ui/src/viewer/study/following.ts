/** Where a stack goes that is linked to another: to the same place, or as far. Pure, so that it can be tested. */
import { dot } from "./geometry";
import type { Plane } from "./geometry";

export interface Shown {
  images: readonly string[];
  index: number;
}

/** A plane, and the coordinates that it is told in (Frame of Reference UID). */
export type Placed = Plane & { space: string };

const PARALLEL = 0.95;

/**
 * Return which image of `target` goes with what `source` shows now; both were linked as `from` and `to`. Planes that
 * cross stay where they are, images that lie nowhere are counted.
 */
export function follow(
  source: Shown,
  from: Shown,
  target: Shown,
  to: Shown,
  placeOf: (image: string) => Placed | undefined,
): number {
  const place = ({ images, index }: Shown) => placeOf(images[index] ?? "");
  const [now, begun, there, met] = [place(source), place(from), place(target), place(to)];
  if (!now || !begun || !there || !met)
    return now || there ? target.index : inside(to.index + source.index - from.index, target.images.length);
  if (Math.abs(dot(now.normal, there.normal)) < PARALLEL) return target.index;
  const depth = (each: Plane) => dot(each.position, now.normal);
  const wanted = now.space === there.space ? depth(now) : depth(met) + depth(now) - depth(begun);
  let [best, distance] = [target.index, Infinity];
  target.images.forEach((image, index) => {
    const other = placeOf(image);
    const gap = other ? Math.abs(depth(other) - wanted) : Infinity;
    if (gap < distance) [best, distance] = [index, gap];
  });
  return best;
}

const inside = (index: number, count: number) => Math.min(Math.max(0, index), count - 1);
