import { expect, test } from "vitest";

import type { DicomObject } from "./dicomJson";
import { agreesInSign, asLoaded, PLAIN, rowOf, rows, samplesOf, wayOf, wayOfAll } from "./forms";
import type { Way } from "./forms";

interface Told {
  samples?: number;
  allocated?: number;
  colours?: string;
  planar?: number;
  signed?: number;
  pixels?: string;
}

function header(told: Told): DicomObject {
  const object: DicomObject = {
    "00280002": { vr: "US", Value: [told.samples ?? 1] },
    "00280004": { vr: "CS", Value: [told.colours ?? "MONOCHROME2"] },
    "00280100": { vr: "US", Value: [told.allocated ?? 16] },
    "00280103": { vr: "US", Value: [told.signed ?? 0] },
    [told.pixels ?? "7FE00010"]: { vr: "OW", BulkDataURI: "b" },
  };
  if (told.planar) object["00280006"] = { vr: "US", Value: [told.planar] };
  return object;
}

const colour = (colours: string, more: Told = {}) => header({ samples: 3, allocated: 8, colours, ...more });
const of = (end: string) => `1.2.840.10008.1.2${end}`;

const cases: readonly (readonly [row: string, DicomObject, Record<string, Way>])[] = [
  ["floating point of 64 bits", header({ allocated: 64, pixels: "7FE00009" }), { ".1": "plain" }],
  ["floating point", header({ allocated: 32, pixels: "7FE00008" }), { ".1": "plain" }],
  ["single bits", header({ allocated: 1 }), { ".1": "plain", ".5": "plain", ".8.1": "plain" }],
  ["colours of more than 8 bits", colour("RGB", { allocated: 16 }), { ".1": "picture", ".5": "picture" }],
  ["colours in planes", colour("RGB", { planar: 1 }), { ".1": "stored", ".5": "stored", ".4.80": "picture" }],
  ["RGB", colour("RGB"), { ".1": "stored", ".4.90": "stored", ".4.50": "picture", ".4.110": "picture" }],
  ["YCbCr", colour("YBR_FULL"), { ".1": "stored", ".4.50": "stored", ".4.90": "picture" }],
  ["YCbCr, two pixels to a colour", colour("YBR_FULL_422"), { ".4.50": "stored", ".1": "picture" }],
  ["colours that JPEG 2000 transforms", colour("YBR_ICT"), { ".4.91": "stored", ".1": "picture" }],
  ["other colours", colour("XYB"), { ".4.112": "picture" }],
  ["integers of 64 bits", header({ allocated: 64 }), { ".1": "plain" }],
  ["integers of 32 bits", header({ allocated: 32 }), { ".1": "plain", ".5": "plain" }],
  [
    "grey and palettes",
    header({}),
    { ".1": "stored", ".4.70": "stored", ".4.51": "plain", ".4.110": "plain" },
  ],
];

test.each(cases)("%s come as they can be shown", (row, object, ways) => {
  expect(rowOf(object).name).toBe(row);
  for (const [end, way] of Object.entries(ways)) expect(wayOf(object, of(end))).toBe(way);
});

test("every row has a case, and every way of a case", () => {
  expect(cases.map(([row]) => row)).toEqual(rows.map((row) => row.name));
});

test("the syntax is asked for where it matters", () => {
  expect(wayOfAll(header({}))).toBeUndefined();
  expect(wayOfAll(header({ allocated: 1 }))).toBe("plain");
  expect(wayOf(header({ colours: "PALETTE COLOR", allocated: 8 }), PLAIN)).toBe("stored");
});

const value = (object: DicomObject, tag: string) => object[tag]?.Value?.[0];

test("the loader hears of the samples that it is given", () => {
  expect(value(asLoaded(header({ allocated: 1 })), "00280100")).toBe(8);
  expect(value(asLoaded(colour("RGB", { allocated: 16 })), "00280100")).toBe(8);
  const float = asLoaded(header({ allocated: 64, pixels: "7FE00009" }));
  expect([value(float, "00280100"), float["00280103"]]).toEqual([32, undefined]);
  const grey = header({});
  expect(asLoaded(grey)).toBe(grey);
});

test("a window without width is none", () => {
  const windowed = (width: number): DicomObject => ({
    ...header({}),
    "00281050": { vr: "DS", Value: [0] },
    "00281051": { vr: "DS", Value: [width] },
  });
  expect(asLoaded(windowed(0))["00281050"]).toBeUndefined();
  expect(value(asLoaded(windowed(1)), "00281051")).toBe(1);
});

const voi = (center: number, width: number, told?: string): DicomObject => ({
  "00281050": { vr: "DS", Value: [center] },
  "00281051": { vr: "DS", Value: [width] },
  ...(told && { "00281056": { vr: "CS", Value: [told] } }),
});
const shared = (item: DicomObject): DicomObject => ({
  "52009229": { vr: "SQ", Value: [{ "00289132": { vr: "SQ", Value: [item] } }] },
});

test("a window that is exact comes as the linear one of the same ends", () => {
  const [center, width] = ["00281050", "00281051"];
  const exact = asLoaded({ ...header({}), ...voi(40, 400, "LINEAR_EXACT") });
  expect([value(exact, center), value(exact, width), exact["00281056"]]).toEqual([40.5, 401, undefined]);
  const linear = asLoaded({ ...header({}), ...voi(40, 400, "LINEAR") });
  expect([value(linear, center), value(linear, width), linear["00281056"]]).toEqual([40, 400, undefined]);
  expect(value(asLoaded({ ...header({}), ...voi(40, 400, "SIGMOID") }), "00281056")).toEqual(["SIGMOID"]);
});

test("a window of floating point is exact, wherever it is told", () => {
  const map = asLoaded({
    ...header({ allocated: 32, pixels: "7FE00008" }),
    ...shared(voi(0.5, 1, "LINEAR")),
  });
  expect(map).toMatchObject(
    shared({ "00281050": { vr: "DS", Value: [1] }, "00281051": { vr: "DS", Value: [2] } }),
  );
  const grey = { ...header({}), ...shared(voi(40, 400)) };
  expect(asLoaded(grey)).toBe(grey);
});

test("single bits are read from the lowest on", () => {
  expect([...samplesOf(Uint8Array.of(0b1000_0101, 0b10), "bit", 10)]).toEqual([1, 0, 1, 0, 0, 0, 0, 1, 0, 1]);
});

const floats = (bytes: Uint8Array) => [...new Float32Array(bytes.buffer)];

test("doubles and long integers become floats", () => {
  const doubles = new Uint8Array(Float64Array.of(0.5, -2).buffer);
  expect(floats(samplesOf(doubles, "double", 2))).toEqual([0.5, -2]);
  expect(floats(samplesOf(new Uint8Array(BigInt64Array.of(-3n).buffer), "long", 1))).toEqual([-3]);
  expect(floats(samplesOf(doubles.subarray(0, 8), "double", 2))).toEqual([0.5]);
});

test("a codestream may say another sign than its header", () => {
  const codestream = new Uint8Array(43);
  codestream.set([0xff, 0x4f, 0xff, 0x51]);
  expect(agreesInSign(header({ signed: 0 }), codestream)).toBe(true);
  expect(agreesInSign(header({ signed: 1 }), codestream)).toBe(false);
  codestream[42] = 0x8f;
  expect(agreesInSign(header({ signed: 1 }), codestream)).toBe(true);
  expect(agreesInSign(header({ signed: 1 }), Uint8Array.of(1, 2, 3))).toBe(true);
});
