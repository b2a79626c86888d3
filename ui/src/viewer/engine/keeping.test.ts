import { expect, test } from "vitest";

import { changesOf } from "./keeping";

const marks = (given: Record<string, object>) =>
  new Map(Object.entries(given).map(([name, mark]): [string, string] => [name, JSON.stringify(mark)]));

test("what is new or other is sent, what is gone is taken away, the rest is left alone", () => {
  const kept = marks({ same: { mm: 1 }, other: { mm: 2 }, gone: { mm: 3 } });
  const now = marks({ same: { mm: 1 }, other: { mm: 2.5 }, added: { mm: 4 } });
  expect(changesOf(kept, now)).toEqual({ other: { mm: 2.5 }, added: { mm: 4 }, gone: null });
  expect(changesOf(now, now)).toEqual({});
});
