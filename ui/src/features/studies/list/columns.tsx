/** The columns of the study list: what each shows, how wide it is, what it is sorted by. */
import { useMemo } from "react";
import type { ReactNode } from "react";

import { useSession } from "@/app/session";
import { showCount, showDate, showName, showTime } from "@/i18n/formats";

import { Labels, Modalities } from "./Modalities";
import type { Study } from "../api";

export type ColumnName =
  | "PatientName"
  | "PatientID"
  | "PatientBirthDate"
  | "PatientSex"
  | "StudyDate"
  | "ModalitiesInStudy"
  | "StudyDescription"
  | "AccessionNumber"
  | "ReferringPhysicianName"
  | "StudyID"
  | "NumberOfStudyRelatedSeries"
  | "NumberOfStudyRelatedInstances"
  | "labels"
  | "remark";

export interface Column {
  name: ColumnName;
  /** A track of CSS grid. */
  width: string;
  /** The same in pixels at the least, so that a narrow window scrolls instead of squeezing. */
  least: number;
  isNumber?: boolean;
  show: (study: Study, language: string, word: (key: string) => string) => ReactNode;
}

const text =
  (name: "PatientID" | "AccessionNumber" | "StudyID" | "StudyDescription" | "remark") => (study: Study) =>
    study[name] ?? "";
const count =
  (name: "NumberOfStudyRelatedSeries" | "NumberOfStudyRelatedInstances") =>
  (study: Study, language: string) => (study[name] === undefined ? "" : showCount(study[name], language));

function column(
  name: ColumnName,
  least: number,
  grows: number,
  show: Column["show"],
  also: Partial<Column> = {},
) {
  const width = grows ? `minmax(${least}px, ${grows}fr)` : `${least}px`;
  return { name, least, width, show, ...also };
}

export const columns: readonly Column[] = [
  column("PatientName", 130, 3, (study, language) => showName(study.PatientName, language) || "—"),
  column("PatientID", 96, 1, text("PatientID")),
  column("PatientBirthDate", 100, 0, (study, language) => showDate(study.PatientBirthDate, language)),
  column("PatientSex", 50, 0, (study, _language, word) =>
    study.PatientSex && "MFO".includes(study.PatientSex) ? word(`sex.${study.PatientSex}`) : study.PatientSex,
  ),
  column("StudyDate", 146, 0, (study, language) => (
    <>
      {showDate(study.StudyDate, language)} <small>{showTime(study.StudyTime)}</small>
    </>
  )),
  column("ModalitiesInStudy", 96, 0, (study) => <Modalities codes={study.ModalitiesInStudy} />),
  column("StudyDescription", 110, 3, text("StudyDescription")),
  column("AccessionNumber", 100, 1, text("AccessionNumber")),
  column("ReferringPhysicianName", 120, 1, (study, language) =>
    showName(study.ReferringPhysicianName, language),
  ),
  column("StudyID", 84, 0, text("StudyID")),
  column("NumberOfStudyRelatedSeries", 60, 0, count("NumberOfStudyRelatedSeries"), { isNumber: true }),
  column("NumberOfStudyRelatedInstances", 66, 0, count("NumberOfStudyRelatedInstances"), { isNumber: true }),
  column("labels", 130, 1, (study) => <Labels labels={study.labels} />),
  column("remark", 120, 1, text("remark")),
];

/** What gives way first where there is no room for all that was chosen. */
const YIELDING: readonly ColumnName[] = [
  "remark",
  "StudyID",
  "ReferringPhysicianName",
  "NumberOfStudyRelatedSeries",
  "labels",
  "PatientSex",
  "AccessionNumber",
  "PatientBirthDate",
  "NumberOfStudyRelatedInstances",
  "PatientID",
];
/** Pixels: the box to tick, the padding of a line, and the gap before each column. */
const BESIDE = 28 + 16;
const GAP = 12;

/** Return how wide a table of these columns is at the least, in pixels. */
export function leastWidth(shown: readonly Column[]): number {
  return shown.reduce((sum, each) => sum + each.least + GAP, BESIDE);
}

/** Return what of the chosen columns fits into a width; what does not may be scrolled to. */
export function fitting(chosen: readonly Column[], width: number): readonly Column[] {
  let shown = chosen;
  for (const name of YIELDING) {
    if (leastWidth(shown) <= width) break;
    shown = shown.filter((each) => each.name !== name);
  }
  return shown;
}

export const FIRST_COLUMNS: readonly ColumnName[] = [
  "PatientName",
  "PatientID",
  "StudyDate",
  "ModalitiesInStudy",
  "StudyDescription",
  "AccessionNumber",
  "NumberOfStudyRelatedInstances",
  "labels",
];

/** The columns that this reader has chosen, in the order of the table. */
export function useColumns() {
  const {
    chosen: { study_columns: names },
    choose,
  } = useSession();
  const chosen = useMemo(() => {
    const known: readonly string[] = names ?? FIRST_COLUMNS;
    return columns.filter((each) => each.name === "PatientName" || known.includes(each.name));
  }, [names]);
  const setNames = (now: readonly ColumnName[]) => choose({ study_columns: [...now] });
  return { chosen, setNames };
}
