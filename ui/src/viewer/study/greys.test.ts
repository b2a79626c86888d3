import { expect, test } from "vitest";

import type { DicomObject } from "./dicomJson";
import { PLAIN } from "./forms";
import { greysOf } from "./greys";

const told = (values: Record<string, unknown[] | undefined>): DicomObject =>
  Object.fromEntries(Object.entries(values).map(([tag, Value]) => [tag, Value && { vr: "", Value }]));

/** One row of four signed words, from black to white in a window around 40. */
const ct = {
  "00080060": ["CT"],
  "00280002": [1],
  "00280004": ["MONOCHROME2"],
  "00280010": [1],
  "00280011": [4],
  "00280100": [16],
  "00280101": [16],
  "00280102": [15],
  "00280103": [1],
  "00281050": [40],
  "00281051": [401],
  "00281052": [-1000],
  "00281053": [1],
};
const words = (...values: number[]) => new Uint8Array(Int16Array.from(values).buffer);
const greys = (change: Record<string, unknown[] | undefined>, bytes: Uint8Array, syntax = PLAIN) => {
  const found = greysOf(told({ ...ct, ...change }), { bytes, syntax });
  return found && Array.from(found.pixels).filter((_, at) => at % 4 === 0);
};
const HU = words(800, 839.5, 1040, 3000);

test("values go through slope, intercept and window", () => {
  // Black is 40 - 0.5 - 200 (PS3.3 C.11.2.1.2.1), white 400 above it.
  expect(greys({}, HU)).toEqual([0, 0, 128, 255]);
  expect(greys({ "00281053": [2], "00281052": [-2000] }, words(1000, 1020, 1070, 0))).toEqual([
    102, 128, 192, 0,
  ]);
});

test("red, green and blue are one, and nothing is seen through", () => {
  const found = greysOf(told(ct), { bytes: HU, syntax: PLAIN });
  expect(Array.from(found?.pixels.slice(8, 12) ?? [])).toEqual([128, 128, 128, 255]);
});

test("what is told the other way round is shown so", () => {
  expect(greys({ "00280004": ["MONOCHROME1"] }, HU)).toEqual([255, 255, 127, 0]);
});

test("a sign is where the values end, whatever lies above it", () => {
  const twelve = { "00280101": [12], "00280102": [11], "00281052": [0] };
  expect(greys(twelve, words(0x0fff, 0x7fff, 40, 0x0800))).toEqual([102, 102, 128, 0]);
});

test("unsigned values, and bytes, are read as they are", () => {
  const unsigned = { "00280103": [0], "00281052": [0], "00281050": [0x8000], "00281051": [0x10001] };
  expect(greys(unsigned, words(0, -1, -0x8000, 0x4000))).toEqual([0, 255, 128, 64]);
  const bytes = { "00280100": [8], "00280101": [8], "00280102": [7], "00280103": [0], "00281052": [0] };
  expect(greys({ ...bytes, "00281050": [128], "00281051": [256] }, Uint8Array.of(0, 1, 128, 255))).toEqual([
    0, 1, 128, 255,
  ]);
});

test("a frame whose bytes begin at an odd place is read as any other", () => {
  const odd = new Uint8Array([0, ...HU]).subarray(1);
  expect(greys({}, odd)).toEqual(greys({}, HU));
});

test.each([undefined, [0]])(
  "without a window, or with one of width %j, the values make their own",
  (width) => {
    expect(greys({ "00281050": undefined, "00281051": width }, words(100, 200, 300, 355))).toEqual([
      0, 100, 200, 255,
    ]);
  },
);

test.each([
  ["colours", { "00280002": [3], "00280004": ["RGB"] }],
  ["a palette", { "00280004": ["PALETTE COLOR"] }],
  ["a curve", { "00281056": ["SIGMOID"] }],
  ["a table of the modality", { "00283000": [{}] }],
  ["a table of greys", { "00283010": [{}] }],
  ["frames that tell of themselves", { "52009229": [{}] }],
  ["a window that is a step", { "00281051": [1] }],
  ["positrons", { "00080060": ["PT"] }],
  ["pixels that are not square", { "00280030": [1, 2] }],
  ["pixels that are told not to be", { "00280034": [4, 3] }],
  ["values at the upper end", { "00280101": [12], "00280102": [15] }],
  ["single bits", { "00280100": [1], "00280101": [1], "00280102": [0] }],
  ["integers of 32 bits", { "00280100": [32], "00280101": [32], "00280102": [31] }],
  ["no rows", { "00280010": undefined }],
  ["more than is worth it", { "00280010": [30000], "00280011": [30000] }],
])("%s wait for the renderer", (_, change) => {
  expect(greys(change, HU)).toBeUndefined();
});

test("so does what is packed, too short, or all of one value", () => {
  expect(greys({}, HU, "1.2.840.10008.1.2.4.90")).toBeUndefined();
  expect(greys({}, HU.subarray(0, 6))).toBeUndefined();
  expect(greys({ "00281051": undefined }, words(5, 5, 5, 5))).toBeUndefined();
});
