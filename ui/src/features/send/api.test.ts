import { expect, test } from "vitest";

import { batches } from "./api";

const file = (size: number) => ({ size }) as File;
const sizes = (files: File[]) => batches(files).map((batch) => batch.map((each) => each.size));
const MIB = 1024 * 1024;

test("small files travel together, up to sixteen", () => {
  expect(batches(Array.from({ length: 33 }, () => file(1))).map((batch) => batch.length)).toEqual([
    16, 16, 1,
  ]);
});

test("large files travel alone", () => {
  expect(sizes([file(60 * MIB), file(10 * MIB), file(100 * MIB)])).toEqual([
    [60 * MIB],
    [10 * MIB],
    [100 * MIB],
  ]);
});

test("nothing is nothing", () => {
  expect(batches([])).toEqual([]);
});
