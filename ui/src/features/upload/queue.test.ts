import { expect, test, vi } from "vitest";

import type { Found } from "./files";
import { UploadQueue } from "./queue";
import type { Result } from "./stow";
import { resultOf } from "./stow";

const file = (name: string, size = 10): Found => ({
  path: `d/${name}`,
  file: new File(["x".repeat(size)], name),
});
const STORED: Result = { state: "stored", why: "" };

function sending(answer: (names: string[]) => Result) {
  const requests: string[][] = [];
  const queue = new UploadQueue((files) => {
    const names = files.map((each) => each.file.name);
    requests.push(names);
    return Promise.resolve(answer(names));
  });
  return { queue, requests, done: () => vi.waitFor(() => expect(queue.snapshot().isRunning).toBe(false)) };
}

test("small files go together, zip files alone", async () => {
  const { queue, requests, done } = sending(() => STORED);
  queue.add([file("a"), file("b"), file("c.zip"), file("d")]);
  await done();
  expect(requests).toEqual([["a", "b"], ["c.zip"], ["d"]]);
  expect(queue.snapshot()).toMatchObject({ all: 4, stored: 4, failed: 0 });
});

test("a refused request is sent again, file by file, and each has its own result", async () => {
  const refused: Result = { state: "failed", why: "no space" };
  const { queue, done } = sending((names) =>
    names.includes("bad")
      ? refused
      : names.includes("txt") && names.length === 1
        ? { state: "skipped", why: "" }
        : STORED,
  );
  queue.add([file("good"), file("bad"), file("txt")]);
  await done();
  expect(queue.snapshot()).toMatchObject({ all: 3, stored: 1, skipped: 1, failed: 1 });
  expect(queue.failures().map((item) => [item.path, item.why])).toEqual([["d/bad", "no space"]]);
});

test("what failed is tried again, and nothing else", async () => {
  let isFull = true;
  const { queue, requests, done } = sending(() => (isFull ? { state: "failed", why: "full" } : STORED));
  queue.add([file("a")]);
  await done();
  isFull = false;
  queue.retry();
  await done();
  expect(requests).toEqual([["a"], ["a"]]);
  expect(queue.snapshot()).toMatchObject({ all: 1, stored: 1, failed: 0 });
});

test("files wait while nobody takes them, and go on by themselves", async () => {
  let isThere = false;
  let waits = 0;
  const sent: string[][] = [];
  const queue = new UploadQueue(
    (files) => {
      if (!isThere) return Promise.resolve({ state: "held", why: "lost" });
      sent.push(files.map((each) => each.file.name));
      return Promise.resolve(STORED);
    },
    () => {
      expect(queue.snapshot()).toMatchObject({ isRunning: true, held: "lost", failed: 0 });
      waits += 1;
      isThere = waits === 3;
      return Promise.resolve();
    },
  );
  queue.add([file("a"), file("b")]);
  await vi.waitFor(() => expect(queue.snapshot().isRunning).toBe(false));
  expect(waits).toBe(3);
  expect(sent).toEqual([["a", "b"]]);
  expect(queue.snapshot()).toMatchObject({ all: 2, stored: 2, held: "" });
});

test("what waits is given up when nothing is to be sent any more", async () => {
  const queue = new UploadQueue(
    () => Promise.resolve({ state: "held", why: "login" }),
    (signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve())),
  );
  queue.add([file("a"), file("b.zip")]);
  await vi.waitFor(() => expect(queue.snapshot().held).toBe("login"));
  queue.stop();
  await vi.waitFor(() => expect(queue.snapshot().isRunning).toBe(false));
  expect(queue.snapshot()).toMatchObject({ failed: 2, held: "" });
  expect(queue.results().map((item) => item.why)).toEqual(["stopped", "stopped"]);
});

test("many files are all sent, a batch at a time", async () => {
  const { queue, requests, done } = sending(() => STORED);
  queue.add(Array.from({ length: 1000 }, (_, at) => file(String(at))));
  await done();
  expect(requests.flat()).toHaveLength(1000);
  expect(Math.max(...requests.map((each) => each.length))).toBe(25);
});

const foreign = { "00081197": { Value: [0xc000] }, "00000902": { Value: ["not a DICOM file"] } };
const full = { "00081197": { Value: [0xa700] }, "00000902": { Value: ["full"] } };

test.each([
  [{ "00081199": { Value: [{}] } }, false, "stored"],
  [{ "0008119A": { Value: [foreign] } }, false, "skipped"],
  [{ "0008119A": { Value: [foreign] }, "00081199": { Value: [{}] } }, false, "failed"],
  [{ "0008119A": { Value: [foreign] }, "00081199": { Value: [{}] } }, true, "stored"],
  [{ "00081198": { Value: [full] }, "00081199": { Value: [{}] } }, true, "failed"],
])("an answer is read (%#)", (answer, isPackage, state) => {
  expect(resultOf(answer, isPackage).state).toBe(state);
});

test("of a zip file it is told how many files of it are stored", () => {
  const answer = { "0008119A": { Value: [foreign] }, "00081199": { Value: [{}, {}] } };
  expect(resultOf(answer, true).parts).toEqual({ stored: 2, failed: 1 });
  expect(resultOf(answer, false).parts).toBeUndefined();
});
