import { Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { useMay } from "@/app/session";
import { Sheet, sorted } from "@/components/Sheet";
import type { Column, Sorting } from "@/components/Sheet";
import { showDate, showName, showTime } from "@/i18n/formats";

import { STATUSES, stepsOf, text } from "./api";
import { EntryMenu } from "./EntryMenu";
import { StatusMenu } from "./StatusMenu";
import type { Attributes, Entry } from "./api";
import type { Editing } from "./EntryMenu";

interface Props {
  entries: readonly Entry[];
  withDate: boolean;
  onEdit: (editing: Editing) => void;
}

/** The plan as a list, by time unless sorted otherwise. */
export function EntryTable({ entries, withDate, onEdit }: Props) {
  const { t, i18n } = useTranslation("worklist");
  const [sorting, setSorting] = useState<Sorting>({ key: "time", isDescending: false });
  const mayEdit = useMay("operator");
  const stepOf = (entry: Entry): Attributes => stepsOf(entry.item)[0] ?? {};
  const nameOf = (entry: Entry) => showName(text(entry.item, "PatientName"), i18n.language);
  const procedureOf = (entry: Entry) =>
    text(stepOf(entry), "ScheduledProcedureStepDescription") ||
    text(entry.item, "RequestedProcedureDescription");
  const physicianOf = (entry: Entry) =>
    showName(text(stepOf(entry), "ScheduledPerformingPhysicianName"), i18n.language);
  const dateOf = (entry: Entry) => text(stepOf(entry), "ScheduledProcedureStepStartDate");
  const timeOf = (entry: Entry) => text(stepOf(entry), "ScheduledProcedureStepStartTime");
  const sexOf = (entry: Entry) => {
    const sex = text(entry.item, "PatientSex");
    return i18n.exists(`worklist:sex.short.${sex}`) ? t(`sex.short.${sex}`) : sex;
  };
  const columns: Column<Entry>[] = [
    {
      key: "patient",
      title: t("patient"),
      by: nameOf,
      cell: (entry) => (
        <>
          <Text size="sm" fw={550}>
            <bdi>{nameOf(entry)}</bdi>
          </Text>
          <Text size="xs" c="dimmed">
            <bdi>
              {[
                text(entry.item, "PatientID"),
                sexOf(entry),
                showDate(text(entry.item, "PatientBirthDate"), i18n.language).replaceAll(" ", "\u00a0"),
              ]
                .filter(Boolean)
                .join(" · ")}
            </bdi>
          </Text>
        </>
      ),
    },
    {
      key: "time",
      title: t("time"),
      by: (entry) => dateOf(entry) + timeOf(entry),
      cell: (entry) => (
        <Text span size="sm" fw={600} style={{ whiteSpace: "nowrap" }}>
          {withDate && `${showDate(dateOf(entry), i18n.language)} `}
          {showTime(timeOf(entry))}
        </Text>
      ),
    },
    {
      key: "station",
      title: t("station"),
      by: (entry) => text(stepOf(entry), "ScheduledStationAETitle"),
      cell: (entry) => (
        <Text span size="sm" ff="monospace">
          {text(stepOf(entry), "ScheduledStationAETitle").replaceAll("\\", ", ")}
        </Text>
      ),
    },
    {
      key: "modality",
      title: t("modality"),
      by: (entry) => text(stepOf(entry), "Modality"),
      cell: (entry) => text(stepOf(entry), "Modality"),
    },
    {
      key: "procedure",
      title: t("procedure"),
      by: procedureOf,
      cell: (entry) => <bdi>{procedureOf(entry)}</bdi>,
    },
    {
      key: "accession",
      title: t("accession"),
      by: (entry) => text(entry.item, "AccessionNumber"),
      cell: (entry) => <bdi>{text(entry.item, "AccessionNumber")}</bdi>,
    },
    {
      key: "physician",
      title: t("physician"),
      by: physicianOf,
      cell: (entry) => <bdi>{physicianOf(entry)}</bdi>,
    },
    {
      key: "status",
      title: t("status"),
      by: (entry) => STATUSES.indexOf(entry.status),
      cell: (entry) => <StatusMenu entry={entry} name={nameOf(entry)} />,
    },
    {
      key: "actions",
      title: "",
      kind: "menu",
      cell: (entry) => <EntryMenu entry={entry} name={nameOf(entry)} onEdit={onEdit} />,
    },
  ];
  return (
    <Sheet
      label={t("title")}
      rows={sorted(entries, columns, sorting, i18n.language)}
      columns={columns}
      keyOf={(entry) => `${entry.id} ${entry.step}`}
      sorting={sorting}
      onSort={setSorting}
      {...(mayEdit ? { onOpen: (entry: Entry) => onEdit({ id: entry.id, mode: "edit" }) } : {})}
    />
  );
}
