import { expect, test } from "vitest";

import type { DicomObject } from "./dicomJson";
import { expanded, withPalette } from "./palette";

const BYTES = new Uint8Array([1, 0, 0, 255]);
const IN_LINE = btoa(String.fromCharCode(...BYTES));
const none = () => Promise.reject(new Error("nothing is asked for"));

function header(entries: number, data: object): DicomObject {
  const given: DicomObject = { "00280004": { vr: "CS", Value: ["PALETTE COLOR"] } };
  for (const color of ["1", "2", "3"]) {
    given[`0028110${color}`] = { vr: "US", Value: [entries, 0, 16] };
    given[`0028120${color}`] = { vr: "OW", ...data };
  }
  return given;
}

test("words in line become numbers", async () => {
  const read = await withPalette(header(2, { InlineBinary: IN_LINE }), none);
  for (const tag of ["00281201", "00281202", "00281203"]) expect(read[tag]?.Value).toEqual([1, 0xff00]);
});

test("bytes stay what they are", async () => {
  const read = await withPalette(header(4, { InlineBinary: IN_LINE }), none);
  expect(read["00281202"]?.Value).toEqual([1, 0, 0, 255]);
});

test("a long palette is fetched from its address", async () => {
  const asked: string[] = [];
  const fetch = (address: string) => {
    asked.push(address);
    return Promise.resolve(BYTES.buffer);
  };
  const read = await withPalette(header(2, { BulkDataURI: "http://h/b" }), fetch);
  expect(read["00281203"]?.Value).toEqual([1, 0xff00]);
  expect(asked).toEqual(["http://h/b", "http://h/b", "http://h/b"]);
});

test("pictures without a palette are left alone", async () => {
  const grey: DicomObject = { "00280004": { vr: "CS", Value: ["MONOCHROME2"] } };
  expect(await withPalette(grey, none)).toBe(grey);
});

test("segments are values, lines and what is told elsewhere", () => {
  const words = [0, 2, 10, 20, 1, 4, 40, 2, 1, 0, 0];
  expect(expanded(words, 8)).toEqual([10, 20, 25, 30, 35, 40, 10, 20]);
  expect(expanded(words, 3)).toEqual([10, 20, 25]);
});

test.each([
  ["a segment of no kind", [0, 1, 5, 9, 9, 9], [5]],
  ["a copy of itself", [2, 3, 0, 0], []],
  ["values that end early", [0, 9, 5], [5]],
  ["nothing", [], []],
])("a palette ends at %s", (_what, words, entries) => {
  expect(expanded(words, 100)).toEqual(entries);
});

test("a segmented palette becomes numbers", async () => {
  const given: DicomObject = {
    "00280004": { vr: "CS", Value: ["PALETTE COLOR"] },
    "00281101": { vr: "US", Value: [0, 0, 16] },
    "00281221": { vr: "OW", InlineBinary: btoa(String.fromCharCode(0, 0, 1, 0, 7, 0)) },
  };
  expect((await withPalette(given, none))["00281201"]?.Value).toEqual([7]);
});
