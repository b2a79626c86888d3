import { expect, test } from "vitest";

import { sideAt } from "./sides";

const CHEST = ["L", "F"];

test.each([
  [CHEST, -1, 0, "R"],
  [CHEST, 1, 0, "L"],
  [CHEST, 0, -1, "H"],
  [["P", "FL"], 0, -1, "HR"],
  [["P", "FL"], -1, 0, "A"],
  [[], -1, 0, ""],
  [["LEFT", "F"], -1, 0, ""],
])("a picture whose rows and columns go to %j has at %i, %i: %s", (orientation, x, y, side) => {
  expect(sideAt(orientation, x, y)).toBe(side);
});
