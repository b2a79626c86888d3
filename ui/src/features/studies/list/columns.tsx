/** The columns of the study list: what each shows, how wide it is, what it is sorted by. */
import { Badge, Group } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import type { ReactNode } from "react";

import { showCount, showDate, showName, showTime } from "@/i18n/formats";

import { Modalities } from "./Modalities";
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
  isSortable: boolean;
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
  return { name, least, width, show, isSortable: true, ...also };
}

export const columns: readonly Column[] = [
  column("PatientName", 180, 3, (study, language) => showName(study.PatientName, language)),
  column("PatientID", 110, 1, text("PatientID")),
  column("PatientBirthDate", 104, 0, (study, language) => showDate(study.PatientBirthDate, language)),
  column("PatientSex", 56, 0, (study, _language, word) =>
    study.PatientSex && "MFO".includes(study.PatientSex) ? word(`sex.${study.PatientSex}`) : study.PatientSex,
  ),
  column("StudyDate", 150, 0, (study, language) => (
    <>
      {showDate(study.StudyDate, language)} <small>{showTime(study.StudyTime)}</small>
    </>
  )),
  column("ModalitiesInStudy", 104, 0, (study) => <Modalities codes={study.ModalitiesInStudy} />),
  column("StudyDescription", 160, 3, text("StudyDescription")),
  column("AccessionNumber", 110, 1, text("AccessionNumber")),
  column("ReferringPhysicianName", 130, 1, (study, language) =>
    showName(study.ReferringPhysicianName, language),
  ),
  column("StudyID", 90, 0, text("StudyID")),
  column("NumberOfStudyRelatedSeries", 68, 0, count("NumberOfStudyRelatedSeries"), { isNumber: true }),
  column("NumberOfStudyRelatedInstances", 72, 0, count("NumberOfStudyRelatedInstances"), { isNumber: true }),
  column(
    "labels",
    130,
    1,
    (study) => (
      <Group gap={4} wrap="nowrap">
        {study.labels?.map((label) => (
          <Badge key={label} size="sm" variant="light" tt="none" fw={500}>
            {label}
          </Badge>
        ))}
      </Group>
    ),
    { isSortable: false },
  ),
  column("remark", 120, 1, text("remark"), { isSortable: false }),
];

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

/** The columns that this reader has chosen, in the order of the table; kept in this browser. */
export function useColumns() {
  const [names, setNames] = useLocalStorage<readonly ColumnName[]>({
    key: "calotype.studies.columns",
    defaultValue: FIRST_COLUMNS,
    getInitialValueInEffect: false,
  });
  const known = Array.isArray(names) ? names : FIRST_COLUMNS;
  const chosen = columns.filter((each) => each.name === "PatientName" || known.includes(each.name));
  return { chosen, setNames };
}
