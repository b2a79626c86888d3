import { expect, test } from "vitest";

import { isWhole } from "./whole";

const drawn = (toolName: string, ...points: number[][]) => ({
  metadata: { toolName },
  data: { handles: { points } },
});

test.each([
  [drawn("Length", [0, 0, 0], [3, 0, 0]), true],
  [drawn("Length", [2, 2, 0], [2, 2, 0]), false],
  [drawn("Angle", [0, 0, 0], [3, 0, 0]), false],
  [drawn("Angle", [0, 0, 0], [3, 0, 0], [3, 0, 0]), false],
  [drawn("Angle", [0, 0, 0], [3, 0, 0], [3, 4, 0]), true],
  [drawn("CobbAngle", [0, 0, 0], [3, 0, 0], [0, 5, 0]), false],
  [drawn("RectangleROI", [1, 1, 0], [1, 1, 0], [1, 1, 0], [1, 1, 0]), false],
  [drawn("CobbAngle", [0, 0, 0], [3, 0, 0], [0, 5, 0], [3, 6, 0]), true],
  [drawn("Probe", [1, 1, 1]), true],
  [drawn("ArrowAnnotate", [1, 1, 1], [1, 1, 1]), true],
  [{ metadata: { toolName: "Length" }, data: {} }, false],
])("finding %#", (finding, whole) => {
  expect(isWhole(finding)).toBe(whole);
});
