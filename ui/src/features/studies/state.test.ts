import { expect, test } from "vitest";

import { datesOf, endsOf, rangeOf } from "./dates";
import { askedBy, countFilters, isStep, nextOrder, NO_FILTERS, readState, writeState } from "./state";

const TODAY = new Date(2026, 0, 5, 13);

test("an address and a state say the same", () => {
  const address =
    "q=zhang&ModalitiesInStudy=CT&ModalitiesInStudy=MR&StudyDate=week&label=a+b&order=PatientName&study=1.2";
  const state = readState(new URLSearchParams(address));
  expect(state.filters.ModalitiesInStudy).toEqual(["CT", "MR"]);
  expect(state.study).toBe("1.2");
  expect(writeState(state).toString()).toBe(address);
  expect(countFilters(state.filters)).toBe(3);
});

test("an address without anything is the newest first", () => {
  const state = readState(new URLSearchParams(""));
  expect(state).toEqual({ filters: NO_FILTERS, order: "-StudyDate", study: "" });
  expect(writeState(state).toString()).toBe("");
});

test("filters become what the server takes", () => {
  const filters = {
    ...NO_FILTERS,
    q: "  ",
    PatientID: "P1",
    PatientName: "wei",
    AccessionNumber: "A?7",
    StudyDescription: " head ",
    ModalitiesInStudy: ["CT", "MR"],
    label: ["x", "y"],
    StudyDate: "week",
  };
  expect(askedBy(filters, TODAY)).toEqual({
    PatientID: "P1*",
    PatientName: "wei",
    fuzzymatching: "true",
    AccessionNumber: "A?7",
    StudyDescription: "*head*",
    ModalitiesInStudy: "CT,MR",
    label: ["x", "y"],
    StudyDate: "20251230-20260105",
  });
});

test.each([
  ["today", "20260105"],
  ["yesterday", "20260104"],
  ["month", "20251207-20260105"],
  ["20240101-", "20240101-"],
])("the dates of %s", (value, dates) => {
  expect(datesOf(value, TODAY)).toBe(dates);
});

test("a range and its two fields say the same", () => {
  for (const range of ["20240101-20240131", "20240101-", "-20240131", "20240101"])
    expect(rangeOf(...endsOf(range))).toBe(range);
  expect(rangeOf("", "")).toBe("");
  expect(endsOf("nonsense")).toEqual(["", ""]);
});

test("a column is clicked up, down, and away", () => {
  expect(nextOrder("-StudyDate", "PatientName")).toBe("PatientName");
  expect(nextOrder("PatientName", "PatientName")).toBe("-PatientName");
  expect(nextOrder("-PatientName", "PatientName")).toBe("-StudyDate");
  expect(nextOrder("-StudyDate", "StudyDate")).toBe("StudyDate");
});

const LIST = readState(new URLSearchParams("q=wang&StudyDate=week&study=1.2"));

test.each([
  ["q=wang&StudyDate=week&study=1.3", false],
  ["q=wang+li&StudyDate=week&study=1.2", false],
  ["q=wang&StudyDate=week", false],
  ["q=wang&StudyDate=month&study=1.2", true],
  ["q=wang&StudyDate=week&study=1.2&order=remark", true],
  ["q=wang&StudyDate=week&study=1.2&PatientID=7", true],
  ["q=wang&StudyDate=week&study=1.2&ModalitiesInStudy=CT", true],
])("whether %s is a step to come back from", (address, isOne) => {
  expect(isStep(LIST, readState(new URLSearchParams(address)))).toBe(isOne);
});

test("a study that is opened, and a search that is begun, are steps", () => {
  const whole = readState(new URLSearchParams());
  expect(isStep(whole, { ...whole, study: "1.2" })).toBe(true);
  expect(isStep(whole, { ...whole, filters: { ...NO_FILTERS, q: "w" } })).toBe(true);
});
