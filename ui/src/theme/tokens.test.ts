import { expect, test } from "vitest";

import { contrast } from "./contrast";
import { amber, dark, paper, states } from "./tokens";

const AA = 4.5;

test.each(Object.entries(states))("%s is read on paper and in the dark", (_name, shade) => {
  expect(contrast(shade.light, paper[1])).toBeGreaterThanOrEqual(AA);
  expect(contrast(shade.dark, dark[7])).toBeGreaterThanOrEqual(AA);
});

test.each([
  ["text on paper", paper[9], paper[1]],
  ["dimmed text on paper", paper[6], paper[1]],
  ["text in the dark", dark[0], dark[7]],
  ["dimmed text in the dark", dark[2], dark[6]],
  ["a filled button on paper", paper[0], amber[6]],
  ["a link in the dark", amber[4], dark[7]],
  ["a link on paper", amber[6], paper[0]],
])("%s holds AA", (_name, text, ground) => {
  expect(contrast(text, ground)).toBeGreaterThanOrEqual(AA);
});
