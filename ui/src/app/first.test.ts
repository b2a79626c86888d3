import { expect, test, vi } from "vitest";

import { expectPage, pageShown, whenShown } from "./first";

async function isShown(): Promise<boolean> {
  return Promise.race([whenShown().then(() => true), Promise.resolve().then(() => Promise.resolve(false))]);
}

test("nothing waits where no rows are expected", async () => {
  expect(await isShown()).toBe(true);
});

test("what comes afterwards waits for the rows", async () => {
  expectPage();
  expect(await isShown()).toBe(false);
  pageShown();
  expect(await isShown()).toBe(true);
});

test("rows that do not come hold nothing back for long", async () => {
  vi.useFakeTimers();
  expectPage();
  expect(await isShown()).toBe(false);
  vi.advanceTimersByTime(3000);
  expect(await isShown()).toBe(true);
  vi.useRealTimers();
});
