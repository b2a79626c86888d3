import { expect, test } from "vitest";

import { showBytes, showDate, showName, showTime } from "./formats";

test.each([
  ["Zhang^San=张^三", "zh-CN", "张三 (Zhang San)"],
  ["Zhang^San=张^三", "en", "Zhang San (张三)"],
  ["张^三", "en", "张三"],
  ["Doe^John^^Dr", "en", "Dr Doe John"],
  ["", "en", ""],
  [undefined, "en", ""],
])("the name %s in %s", (value, language, shown) => {
  expect(showName(value, language)).toBe(shown);
});

test("a date that is none is shown as it is", () => {
  expect(showDate("20261332", "en")).toBe("20261332");
  expect(showDate("20260102", "en")).toBe("Jan 2, 2026");
  expect(showDate("20260102", "zh-CN")).toBe("2026年1月2日");
});

test("times and sizes", () => {
  expect(showTime("101500.123")).toBe("10:15");
  expect(showTime("late")).toBe("late");
  expect(showBytes(1_234_567, "en")).toBe("1.23 MB");
});
