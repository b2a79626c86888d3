import { expect, test } from "vitest";

import { linesOf, search, showTag } from "./tags";

const HEADER = {
  "00100010": { vr: "PN", Value: [{ Alphabetic: "Li^Na", Ideographic: "李^娜" }] },
  "00081140": {
    vr: "SQ",
    Value: [{ "00081155": { vr: "UI", Value: ["1.2"] } }, { "00081155": { vr: "UI", Value: ["1.3"] } }],
  },
  "00080060": { vr: "CS", Value: ["CT", "SR"] },
  "60020010": { vr: "US", Value: [4] },
  "7FE00010": { vr: "OW", BulkDataURI: "x" },
};
const KEYWORDS = {
  "00100010": "PatientName",
  "00081155": "ReferencedSOPInstanceUID",
  "60000010": "OverlayRows",
};

test("a header is read in the order of its tags, items behind their sequence", () => {
  expect(
    linesOf(HEADER, KEYWORDS).map(({ depth, tag, keyword, value, item }) => [
      depth,
      tag || item,
      keyword,
      value,
    ]),
  ).toEqual([
    [0, "00080060", "", "CT \\ SR"],
    [0, "00081140", "", ""],
    [1, 1, "", ""],
    [2, "00081155", "ReferencedSOPInstanceUID", "1.2"],
    [1, 2, "", ""],
    [2, "00081155", "ReferencedSOPInstanceUID", "1.3"],
    [0, "00100010", "PatientName", "Li^Na=李^娜"],
    [0, "60020010", "OverlayRows", "4"],
    [0, "7FE00010", "", "…"],
  ]);
});

test.each([
  ["娜", ["00100010"]],
  ["(0008,0060)", ["00080060"]],
  ["1.3", ["00081140", "00081140/2/", "00081140/2/00081155"]],
  ["nothing", []],
])("%s is found with what it stands in", (text, paths) => {
  expect(search(linesOf(HEADER, KEYWORDS), text).map((line) => line.path)).toEqual(paths);
});

test("all is shown without a text", () => {
  expect(search(linesOf(HEADER, KEYWORDS), " ")).toHaveLength(9);
  expect(showTag("00100010")).toBe("(0010,0010)");
});
