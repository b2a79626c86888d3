import { expect, test } from "vitest";

import { askForWords, getQuestion } from "./asked";

test("whoever asks hears what was written, and the question is closed", async () => {
  const asked = askForWords("old");
  expect(getQuestion()?.text).toBe("old");
  getQuestion()?.answer("new");
  await expect(asked).resolves.toBe("new");
  expect(getQuestion()).toBeUndefined();
});

test("a second question leaves the first without words", async () => {
  const first = askForWords("");
  const second = askForWords("");
  await expect(first).resolves.toBeUndefined();
  getQuestion()?.answer("here");
  await expect(second).resolves.toBe("here");
});
