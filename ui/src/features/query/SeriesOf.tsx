import { ActionIcon, Loader, Tooltip } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Failure } from "@/components/Failure";
import { Sheet, sorted } from "@/components/Sheet";
import type { Column, Sorting } from "@/components/Sheet";
import { showDate } from "@/i18n/formats";

import { useFindBelow, useKnownSeries } from "./api";
import { Here } from "./Here";
import type { Answer, Fields } from "./api";

interface Props {
  answer: Answer;
  /** Changes when something has been retrieved. */
  version: number;
  onRetrieve: (series: string) => void;
}

/** The series of one answer, as the node tells them, and below each its images. */
export function SeriesOf({ answer, version, onRetrieve }: Props) {
  const { t, i18n } = useTranslation("query");
  const study = answer.fields.StudyInstanceUID ?? "";
  const { data, error, isPending, refetch } = useFindBelow(answer.node, "SERIES", {
    StudyInstanceUID: study,
  });
  const { data: known } = useKnownSeries(study, version);
  const [sorting, setSorting] = useState<Sorting>({ key: "number", isDescending: false });
  const [open, setOpen] = useState("");
  if (isPending) return <Loader size="xs" />;
  if (error) return <Failure error={error} onRetry={() => void refetch()} />;

  const uidOf = (fields: Fields) => fields.SeriesInstanceUID ?? "";
  const columns: Column<Fields>[] = [
    field("number", t("number"), "SeriesNumber", true),
    field("modality", t("modality"), "Modality"),
    field("description", t("series-description"), "SeriesDescription"),
    field("bodypart", t("bodypart"), "BodyPartExamined"),
    {
      ...field("date", t("date"), "SeriesDate"),
      cell: (fields) => showDate(fields.SeriesDate, i18n.language),
    },
    field("instances", t("instances"), "NumberOfSeriesRelatedInstances", true),
    {
      key: "here",
      title: t("here"),
      cell: (fields) => (
        <Here here={known?.get(uidOf(fields))} there={Number(fields.NumberOfSeriesRelatedInstances ?? 0)} />
      ),
    },
    {
      key: "actions",
      title: "",
      kind: "actions",
      cell: (fields) => (
        <Tooltip label={t("retrieve")}>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={t("retrieve.series", { number: fields.SeriesNumber ?? "" })}
            onClick={() => onRetrieve(uidOf(fields))}
          >
            <IconDownload size={16} />
          </ActionIcon>
        </Tooltip>
      ),
    },
  ];
  return (
    <Sheet
      label={t("series")}
      rows={sorted(data.answers, columns, sorting, i18n.language)}
      columns={columns}
      keyOf={uidOf}
      sorting={sorting}
      onSort={setSorting}
      onOpen={(fields) => setOpen(open === uidOf(fields) ? "" : uidOf(fields))}
      more={(fields) => (open === uidOf(fields) ? <ImagesOf answer={answer} series={uidOf(fields)} /> : null)}
    />
  );
}

function ImagesOf({ answer, series }: { answer: Answer; series: string }) {
  const { t, i18n } = useTranslation("query");
  const keys = { StudyInstanceUID: answer.fields.StudyInstanceUID ?? "", SeriesInstanceUID: series };
  const { data, error, isPending, refetch } = useFindBelow(answer.node, "IMAGE", keys);
  const [sorting, setSorting] = useState<Sorting>({ key: "number", isDescending: false });
  if (isPending) return <Loader size="xs" />;
  if (error) return <Failure error={error} onRetry={() => void refetch()} />;
  const columns: Column<Fields>[] = [
    field("number", t("number"), "InstanceNumber", true),
    {
      key: "size",
      title: t("size"),
      cell: ({ Columns, Rows, NumberOfFrames }) =>
        Columns && Rows
          ? `${Columns} × ${Rows}${Number(NumberOfFrames) > 1 ? ` × ${NumberOfFrames ?? ""}` : ""}`
          : "",
    },
    field("uid", "SOP Instance UID", "SOPInstanceUID"),
  ];
  return (
    <Sheet
      label={t("images")}
      rows={sorted(data.answers, columns, sorting, i18n.language)}
      columns={columns}
      keyOf={(fields) => fields.SOPInstanceUID ?? ""}
      sorting={sorting}
      onSort={setSorting}
    />
  );
}

function field(key: string, title: string, keyword: string, isNumber = false): Column<Fields> {
  return {
    key,
    title,
    cell: (fields) => <bdi>{fields[keyword]}</bdi>,
    by: (fields) => (isNumber ? Number(fields[keyword] ?? 0) : (fields[keyword] ?? "")),
  };
}
