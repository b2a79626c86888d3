import { expect, test } from "vitest";

import { commands } from "../commands";
import { tools } from "../engine/tools";
import { signOf } from "./signs";

test.each([
  ["u", "U"],
  ["S", "⇧ S"],
  [" ", "Space"],
  ["Delete", "Del"],
  ["?", "?"],
])("the key %s is shown as %s", (key, sign) => {
  expect(signOf(key, "Space")).toBe(sign);
});

test("no key does two things", () => {
  const keys = ["k", ...[...commands, ...tools].map((each) => each.key)];
  expect(keys).toHaveLength(new Set(keys).size);
});
