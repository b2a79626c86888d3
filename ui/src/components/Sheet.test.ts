import { expect, test } from "vitest";

import { sorted } from "./Sheet";
import type { Column } from "./Sheet";

interface Row {
  name: string;
  size: number;
}

const rows: Row[] = [
  { name: "CT10", size: 3 },
  { name: "CT9", size: 20 },
  { name: "Äa", size: 1 },
];
const columns: Column<Row>[] = [
  { key: "name", title: "Name", cell: (row) => row.name, by: (row) => row.name },
  { key: "size", title: "Size", cell: (row) => row.size, by: (row) => row.size },
  { key: "fixed", title: "Fixed", cell: () => null },
];
const names = (key: string, isDescending = false) =>
  sorted(rows, columns, { key, isDescending }, "en").map((row) => row.name);

test("texts are sorted as people do, numbers in them by size", () => {
  expect(names("name")).toEqual(["Äa", "CT9", "CT10"]);
});

test("numbers are sorted by size, either way", () => {
  expect(names("size")).toEqual(["Äa", "CT10", "CT9"]);
  expect(names("size", true)).toEqual(["CT9", "CT10", "Äa"]);
});

test("what cannot be sorted by, or is not asked for, changes nothing", () => {
  expect(names("fixed")).toEqual(["CT10", "CT9", "Äa"]);
  expect(sorted(rows, columns, undefined, "en")).toBe(rows);
});
