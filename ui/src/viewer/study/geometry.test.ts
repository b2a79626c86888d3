import { expect, test } from "vitest";

import type { DicomObject } from "./dicomJson";
import { isBlock, planeOf } from "./geometry";

const slice = (z: number, axes = [1, 0, 0, 0, 1, 0]): DicomObject => ({
  "00200032": { vr: "DS", Value: [0, 0, z] },
  "00200037": { vr: "DS", Value: axes },
});
const planes = (...depths: number[]) => depths.map((z) => planeOf(slice(z), 1));

test("the normal of an axial slice points to the head", () => {
  expect(planeOf(slice(3), 1)).toEqual({ position: [0, 0, 3], normal: [0, 0, 1] });
});

test("a frame's own position comes before the object's", () => {
  const header: DicomObject = {
    ...slice(3),
    "52009230": {
      vr: "SQ",
      Value: [{ "00209113": { vr: "SQ", Value: [{ "00200032": { vr: "DS", Value: [1, 2, 9] } }] } }],
    },
  };
  expect(planeOf(header, 1)?.position).toEqual([1, 2, 9]);
  expect(planeOf(header, 2)?.position).toEqual([0, 0, 3]);
});

test.each([
  ["even gaps", planes(0, 2, 4, 6), true],
  ["even gaps downward", planes(6, 4, 2), true],
  ["a gap left out", planes(0, 2, 6, 8), false],
  ["one place twice", planes(0, 0, 0), false],
  ["two slices", planes(0, 2), false],
  ["no position", [undefined, undefined, undefined], false],
  ["another direction", [...planes(0, 2), planeOf(slice(4, [0, 1, 0, 0, 0, 1]), 1)], false],
])("%s", (_what, given, expected) => {
  expect(isBlock(given)).toBe(expected);
});

test("axes that say nothing are none", () => {
  expect(planeOf(slice(0, [0, 0, 0, 0, 0, 0]), 1)).toBeUndefined();
  expect(planeOf(slice(0, [1, 0]), 1)).toBeUndefined();
});
