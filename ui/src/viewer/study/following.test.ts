import { expect, test } from "vitest";

import { follow } from "./following";
import type { Placed, Shown } from "./following";

/** Images are named by where they lie: coordinates, axis and depth. `x` lies nowhere. */
function placeOf(image: string): Placed | undefined {
  const [space = "", axis, depth] = image.split(" ");
  if (space === "x") return undefined;
  const at = Number(depth);
  return axis === "z"
    ? { space, position: [-100, -100, at], normal: [0, 0, 1] }
    : { space, position: [at, -100, -100], normal: [1, 0, 0] };
}

const stack = (space: string, axis: string, gap: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${space} ${axis} ${String(index * gap)}`);

const at = (images: readonly string[], index: number): Shown => ({ images, index });
const to = (source: Shown, from: number, target: Shown, met: number) =>
  follow(source, at(source.images, from), target, at(target.images, met), placeOf);

test("stacks of one examination meet at the same place", () => {
  const [thin, thick] = [stack("a", "z", 1, 100), stack("a", "z", 5, 20)];
  expect(to(at(thin, 41), 0, at(thick, 0), 0)).toBe(8);
  expect(to(at(thick, 8), 0, at(thin, 0), 0)).toBe(40);
});

test("stacks of two examinations go as far from where they were linked", () => {
  const [now, prior] = [stack("a", "z", 1, 100), stack("b", "z", 2, 50)];
  expect(to(at(now, 30), 20, at(prior, 7), 7)).toBe(12);
  expect(to(at(now, 99), 20, at(prior, 7), 40)).toBe(49);
});

test("planes that cross stay", () => {
  expect(to(at(stack("a", "z", 1, 100), 30), 20, at(stack("a", "x", 1, 50), 7), 7)).toBe(7);
});

test("images that lie nowhere are counted, beside those that lie somewhere left alone", () => {
  const [film, other] = [stack("x", "", 1, 30), stack("x", "", 1, 10)];
  expect(to(at(film, 8), 5, at(other, 2), 2)).toBe(5);
  expect(to(at(film, 29), 5, at(other, 2), 2)).toBe(9);
  expect(to(at(film, 8), 5, at(stack("a", "z", 1, 9), 2), 2)).toBe(2);
});
