import { expect, test } from "vitest";

import { windowInWords } from "./words";

test.each([
  [{ lower: -160, upper: 239 }, false, "40", "400"],
  [{ lower: 0, upper: 1 }, true, "0.50", "1.00"],
  [{ lower: 0, upper: 0.004 }, true, "0.00200", "0.00400"],
  [{ lower: 0, upper: 4000 }, true, "2000", "4000"],
])("a window is told by centre and width: %o", (range, isFloat, center, width) => {
  expect(windowInWords(range, isFloat)).toEqual({ center, width });
});
