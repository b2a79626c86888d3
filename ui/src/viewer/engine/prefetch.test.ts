import { expect, test, vi } from "vitest";

vi.mock("@cornerstonejs/core", () => ({ Enums: { RequestType: {} } }));
const { outward } = await import("./prefetch");

test.each([
  [5, 2, [2, 3, 1, 4, 0]],
  [3, 0, [0, 1, 2]],
  [3, 2, [2, 1, 0]],
  [1, 0, [0]],
])("%i images from %i on", (count, start, expected) => {
  expect(outward(count, start)).toEqual(expected);
});
