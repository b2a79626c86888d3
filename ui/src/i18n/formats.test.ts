import { expect, test } from "vitest";

import { showBytes, showDate, showDuration, showMoment, showName, showTime } from "./formats";

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

test("durations have two units at most", () => {
  expect(showDuration(0.2, "en")).toBe("0s");
  expect(showDuration(75, "en")).toBe("1m 15s");
  expect(showDuration(7200, "en")).toBe("2h");
  expect(showDuration(90061, "en")).toBe("1d 1h");
});

test("a moment of today is a time, another one has its date", () => {
  const now = new Date(2026, 0, 2, 15, 0);
  const us = (date: Date) => date.getTime() * 1000;
  expect(showMoment(us(new Date(2026, 0, 2, 9, 5, 7)), "en", now)).toMatch(/^9:05:07\sAM$/);
  expect(showMoment(us(new Date(2026, 0, 1, 9, 5)), "en", now)).toMatch(/^Jan 1, 2026, 9:05\sAM$/);
});
