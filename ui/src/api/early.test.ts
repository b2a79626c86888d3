import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { MockInstance } from "vitest";

import { askEarly, forgetEarly, takeEarly } from "./early";

const ADDRESS = new URL("http://pacs.example/api/studies?limit=100");

let now: MockInstance<() => number>;

beforeEach(() => {
  vi.stubGlobal(
    "fetch",
    vi.fn(() => Promise.resolve(new Response("[]"))),
  );
  now = vi.spyOn(performance, "now").mockReturnValue(0);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test("an answer is taken once, by whoever asks the same", async () => {
  askEarly(ADDRESS);
  expect(takeEarly(new URL("http://pacs.example/api/studies?limit=50"))).toBeUndefined();
  const answer = await takeEarly(new URL(ADDRESS));
  expect(await answer?.text()).toBe("[]");
  expect(takeEarly(ADDRESS)).toBeUndefined();
});

test("an old answer is no answer", () => {
  askEarly(ADDRESS);
  now.mockReturnValue(10_000);
  expect(takeEarly(ADDRESS)).toBeUndefined();
});

test("a change makes what was asked before it stale", () => {
  askEarly(ADDRESS);
  forgetEarly();
  expect(takeEarly(ADDRESS)).toBeUndefined();
});
