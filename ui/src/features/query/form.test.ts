import { expect, test } from "vitest";

import { askedLast, EMPTY, fromParams, keepAsked, toKeys, toParams } from "./form";

const question = {
  ...EMPTY,
  name: "张",
  modalities: ["CT", "MR"],
  from: "2026-01-02",
  to: "2026-01-31",
};

test("a question stands whole in the address bar", () => {
  expect(fromParams(toParams(question, ["A", "B"]))).toEqual({ question, nodes: ["A", "B"] });
});

test("nodes are asked with matching keys, and only with those that have a value", () => {
  expect(toKeys(question)).toEqual({
    PatientName: "张*",
    ModalitiesInStudy: "CT\\MR",
    StudyDate: "20260102-20260131",
  });
  expect(toKeys(EMPTY)).toEqual({});
});

test.each([
  ["2026-01-02", "2026-01-02", "20260102"],
  ["2026-01-02", "", "20260102-"],
  ["", "2026-01-02", "-20260102"],
])("the dates %s to %s are asked as %s", (from, to, asked) => {
  expect(toKeys({ ...EMPTY, from, to })).toEqual({ StudyDate: asked });
});

test("wildcards that are given stay, IDs get none", () => {
  expect(toKeys({ ...EMPTY, name: "*san", id: "P1", description: "Head?" })).toEqual({
    PatientName: "*san",
    PatientID: "P1",
    StudyDescription: "Head?",
  });
});

test("who was asked last is asked next, as far as they are still there", () => {
  localStorage.clear();
  expect(askedLast(["A", "B", "C"])).toEqual(["A"]);
  keepAsked(["C", "B", "GONE"]);
  expect(askedLast(["A", "B", "C"])).toEqual(["B", "C"]);
  expect(askedLast(["A"])).toEqual(["A"]);
  expect(askedLast([])).toEqual([]);
});
