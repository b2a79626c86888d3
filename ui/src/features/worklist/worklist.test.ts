import { expect, test } from "vitest";

import { cloned, STEPS } from "./api";
import { dayOf, fromField, fromTimeField, shifted, toField, toTimeField } from "./days";

test("a copy has the patient and the plan, and none of the names", () => {
  const item = {
    PatientID: "P1",
    AccessionNumber: "A1",
    StudyInstanceUID: "1.2",
    RequestedProcedureID: "R1",
    [STEPS]: [{ Modality: "CT", ScheduledProcedureStepID: "S1", ScheduledProcedureStepStatus: "completed" }],
  };
  expect(cloned(item)).toEqual({ PatientID: "P1", [STEPS]: [{ Modality: "CT" }] });
});

test("days go on over months and years", () => {
  expect(dayOf(new Date(2026, 0, 9))).toBe("20260109");
  expect(shifted("20261231", 1)).toBe("20270101");
  expect(shifted("20240301", -1)).toBe("20240229");
});

test("fields of the browser and DICOM write the same day and time", () => {
  expect(toField("20260109")).toBe("2026-01-09");
  expect(fromField("2026-01-09")).toBe("20260109");
  expect(toTimeField("091500.5")).toBe("09:15");
  expect(fromTimeField("09:15")).toBe("0915");
  expect(toField("")).toBe("");
});
