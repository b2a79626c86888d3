import { expect, test } from "vitest";

import { over } from "./preferences";

test("what the server knows counts before what this browser has, and what it does not know leaves that", () => {
  const here = { study_columns: ["labels"], first_steps_done: true };
  expect(over(here, { study_columns: null, first_steps_done: null, language: "en" })).toEqual({
    ...here,
    language: "en",
  });
  expect(over(here, { study_columns: [], scheme: null })).toEqual({
    study_columns: [],
    first_steps_done: true,
  });
});
