import { expect, test } from "vitest";

import { broughtUp, merged } from "./api";
import type { Job } from "./api";

const job = (id: number, done = 0) => ({ id, done }) as Job;
const shown = (jobs: Job[]) => jobs.map(({ id, done }) => [id, done]);

test("a job that is known is replaced where it stands", () => {
  expect(shown(merged([job(3), job(2), job(1)], job(2, 5)))).toEqual([
    [3, 0],
    [2, 5],
    [1, 0],
  ]);
});

test("a new one comes first, an older one in its place", () => {
  expect(shown(merged([job(3), job(1)], job(4)))).toEqual([
    [4, 0],
    [3, 0],
    [1, 0],
  ]);
  expect(shown(merged([job(3), job(1)], job(2)))).toEqual([
    [3, 0],
    [2, 0],
    [1, 0],
  ]);
  expect(shown(merged(undefined, job(2)))).toEqual([[2, 0]]);
});

test("a list that was asked for before the stream told something newer does not undo it", () => {
  const told = [
    { job: job(3, 2), atMs: 11 },
    { job: job(2, 7), atMs: 9 },
    { job: job(5), atMs: 12 },
    { job: job(1, 9), atMs: 13 },
  ];
  expect(shown(broughtUp([job(4), job(3, 1), job(2, 8)], told, 10))).toEqual([
    [5, 0],
    [4, 0],
    [3, 2],
    [2, 8],
  ]);
});
