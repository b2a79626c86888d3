import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { ask } from "./client";

const asked = () => new Headers(vi.mocked(fetch).mock.lastCall?.[1]?.headers);

beforeEach(() => {
  vi.stubGlobal(
    "fetch",
    vi.fn(() => Promise.resolve(new Response("[]"))),
  );
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test("what a page asks with nobody there says so, until somebody does something", async () => {
  const now = vi.spyOn(performance, "now").mockReturnValue(1e9);
  await ask("api/jobs");
  expect(asked().get("X-Background")).toBe("1");
  window.dispatchEvent(new Event("keydown"));
  await ask("api/jobs");
  expect(asked().has("X-Background")).toBe(false);
  now.mockReturnValue(1e9 + 20_000);
  await ask("api/jobs");
  expect(asked().has("X-Background")).toBe(true);
});

test("what changes something is always somebody's doing", async () => {
  vi.spyOn(performance, "now").mockReturnValue(2e9);
  await ask("api/jobs", { method: "DELETE" });
  expect(asked().has("X-Background")).toBe(false);
});
