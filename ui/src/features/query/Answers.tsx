import { ActionIcon, Button, Group, Loader, SegmentedControl, Select, Text, Tooltip } from "@mantine/core";
import { IconDownload, IconEye, IconSearchOff } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { Empty } from "@/components/Empty";
import { Failure } from "@/components/Failure";
import { Sheet, sorted } from "@/components/Sheet";
import type { Column, Sorting } from "@/components/Sheet";
import { isOver, useJobEvents, useJobs } from "@/features/jobs/api";
import { JobMark } from "@/features/jobs/JobMark";
import { JobProgress } from "@/features/jobs/JobProgress";
import { useKnownStudies } from "@/features/jobs/studies";
import { showDate, showName, showTime } from "@/i18n/formats";
import type { Job } from "@/features/jobs/api";
import type { KnownNode } from "@/features/nodes/api";
import { viewerAddress } from "@/viewer/address";

import { useRetrieve } from "./api";
import { Here } from "./Here";
import { SeriesOf } from "./SeriesOf";
import type { Answer } from "./api";

interface Props {
  answers: readonly Answer[];
  isBusy: boolean;
  hasFailed: boolean;
  nodes: readonly KnownNode[];
}

const studyOf = (answer: Answer) => answer.fields.StudyInstanceUID ?? "";
const keyOf = (answer: Answer) => `${answer.node} ${studyOf(answer)}`;

/** What the nodes have: sorted here, with what of it is here already, and how far its retrieval is. */
export function Answers({ answers, isBusy, hasFailed, nodes }: Props) {
  const { t, i18n } = useTranslation("query");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [sorting, setSorting] = useState<Sorting>({ key: "date", isDescending: true });
  const [open, setOpen] = useState("");
  const [method, setMethod] = useState<"move" | "get">("move");
  const [destination, setDestination] = useState<string | null>(null);
  const [started, setStarted] = useState<ReadonlyMap<string, number>>(new Map());
  const [toView, setToView] = useState<string | null>(null);
  const retrieving = useRetrieve();
  useJobEvents();
  const { data: jobs = [] } = useJobs();

  const jobOf = (answer: Answer) => jobs.find((job) => job.id === started.get(keyOf(answer)));
  const version = [...started.values()].filter((id) =>
    jobs.some((job) => job.id === id && isOver(job)),
  ).length;
  const known = useKnownStudies(answers.map(studyOf), version);

  const viewed = answers.find((answer) => keyOf(answer) === toView);
  const viewedState = viewed && jobOf(viewed)?.state;
  const viewedStudy = viewed && studyOf(viewed);
  useEffect(() => {
    if (viewedState === "done" && viewedStudy)
      window.location.assign(new URL(viewerAddress([viewedStudy]), document.baseURI));
  }, [viewedState, viewedStudy]);

  const start = async (some: readonly Answer[], series?: string) => {
    for (const node of new Set(some.map((answer) => answer.node))) {
      const ofNode = some.filter((answer) => answer.node === node);
      const job = await retrieving.mutateAsync({
        node,
        studies: ofNode.map(studyOf),
        ...(series ? { series: [series] } : {}),
        method,
        destination: method === "get" ? "" : (destination ?? ""),
      });
      setStarted((before) => new Map([...before, ...ofNode.map((each) => [keyOf(each), job.id] as const)]));
    }
  };
  const retrieve = (some: readonly Answer[], series?: string) =>
    void start(some, series).catch(() => undefined);

  const columns = useColumns({
    jobOf,
    known,
    toView,
    onRetrieve: (answer) => retrieve([answer]),
    onView: (answer) => {
      setToView(keyOf(answer));
      retrieve([answer]);
    },
  });
  if (answers.length === 0) {
    if (isBusy) return <Loader size="sm" />;
    if (hasFailed) return null;
    return (
      <Empty icon={IconSearchOff} title={t("nothing")}>
        {t("nothing.how")}
      </Empty>
    );
  }
  const picked = answers.filter((answer) => chosen.has(keyOf(answer)));
  return (
    <>
      <Group justify="space-between" gap="sm">
        <Group gap="sm">
          <Text size="sm" c="dimmed" role="status">
            {t("found", { count: answers.length })}
          </Text>
          {isBusy && <Loader size="xs" />}
        </Group>
        <Group gap="sm">
          <SegmentedControl
            size="xs"
            aria-label={t("method")}
            value={method}
            onChange={(value) => setMethod(value as "move" | "get")}
            data={["move", "get"].map((value) => ({ value, label: t(`method.${value}`) }))}
          />
          {method === "move" && (
            <Select
              size="xs"
              w={160}
              aria-label={t("destination")}
              placeholder={t("destination.us")}
              data={nodes.filter((node) => node.roles.includes("store")).map((node) => node.ae_title)}
              value={destination}
              onChange={setDestination}
              clearable
            />
          )}
          <Button
            size="xs"
            leftSection={<IconDownload size={15} />}
            disabled={picked.length === 0}
            loading={retrieving.isPending}
            onClick={() => retrieve(picked)}
          >
            {t("retrieve.chosen", { count: picked.length })}
          </Button>
        </Group>
      </Group>
      {retrieving.error && <Failure error={retrieving.error} />}
      <Sheet
        label={t("studies")}
        rows={sorted(answers, columns, sorting, i18n.language)}
        columns={columns}
        keyOf={keyOf}
        sorting={sorting}
        onSort={setSorting}
        chosen={chosen}
        onChoose={setChosen}
        chooseLabel={(answer) => t("choose", { name: showName(answer.fields.PatientName, i18n.language) })}
        chooseAllLabel={t("choose.all")}
        onOpen={(answer) => setOpen(open === keyOf(answer) ? "" : keyOf(answer))}
        more={(answer) =>
          open === keyOf(answer) ? (
            <SeriesOf answer={answer} version={version} onRetrieve={(series) => retrieve([answer], series)} />
          ) : null
        }
      />
    </>
  );
}

interface Doing {
  jobOf: (answer: Answer) => Job | undefined;
  known: ReturnType<typeof useKnownStudies>;
  toView: string | null;
  onRetrieve: (answer: Answer) => void;
  onView: (answer: Answer) => void;
}

function useColumns({ jobOf, known, toView, onRetrieve, onView }: Doing): Column<Answer>[] {
  const { t, i18n } = useTranslation("query");
  const nameOf = ({ fields }: Answer) => showName(fields.PatientName, i18n.language);
  const numberOf = (keyword: string) => (answer: Answer) => Number(answer.fields[keyword] ?? 0);
  return [
    {
      key: "patient",
      title: t("patient"),
      by: nameOf,
      cell: (answer) => (
        <>
          <Text size="sm" fw={550}>
            <bdi>{nameOf(answer) || (answer.fields.PatientID ?? "—")}</bdi>
          </Text>
          <Text size="xs" c="dimmed">
            <bdi>
              {[
                answer.fields.PatientID,
                answer.fields.PatientSex,
                showDate(answer.fields.PatientBirthDate, i18n.language),
              ]
                .filter(Boolean)
                .join(" · ")}
            </bdi>
          </Text>
        </>
      ),
    },
    {
      key: "date",
      title: t("date"),
      by: ({ fields }) => `${fields.StudyDate ?? ""}${fields.StudyTime ?? ""}`,
      cell: ({ fields }) =>
        `${showDate(fields.StudyDate, i18n.language)} ${showTime(fields.StudyTime)}`.trim(),
    },
    {
      key: "modality",
      title: t("modality"),
      by: ({ fields }) => fields.ModalitiesInStudy ?? "",
      cell: ({ fields }) => <bdi>{fields.ModalitiesInStudy?.replaceAll("\\", ", ")}</bdi>,
    },
    {
      key: "description",
      title: t("description"),
      by: ({ fields }) => fields.StudyDescription ?? "",
      cell: ({ fields }) => <bdi>{fields.StudyDescription}</bdi>,
    },
    {
      key: "accession",
      title: t("accession"),
      by: ({ fields }) => fields.AccessionNumber ?? "",
      cell: ({ fields }) => <bdi>{fields.AccessionNumber}</bdi>,
    },
    {
      key: "instances",
      title: t("instances"),
      kind: "number",
      by: numberOf("NumberOfStudyRelatedInstances"),
      cell: ({ fields }) => fields.NumberOfStudyRelatedInstances ?? "",
    },
    { key: "node", title: t("node"), by: (answer) => answer.node, cell: (answer) => answer.node },
    {
      key: "here",
      title: t("here"),
      by: (answer) => known.get(studyOf(answer))?.NumberOfStudyRelatedInstances ?? 0,
      cell: (answer) => {
        const job = jobOf(answer);
        if (job?.state === "failed" || job?.state === "cancelled") return <JobMark job={job} />;
        if (job && !isOver(job)) return <JobProgress job={job} />;
        return (
          <Here
            here={known.get(studyOf(answer))?.NumberOfStudyRelatedInstances}
            there={numberOf("NumberOfStudyRelatedInstances")(answer)}
          />
        );
      },
    },
    {
      key: "actions",
      title: "",
      kind: "actions",
      cell: (answer) => {
        const name = nameOf(answer);
        const job = jobOf(answer);
        const isRunning = job !== undefined && !isOver(job);
        return (
          <Group gap={2} wrap="nowrap" justify="flex-end">
            {known.has(studyOf(answer)) ? (
              <Tooltip label={t("view")}>
                <ActionIcon
                  component="a"
                  href={viewerAddress([studyOf(answer)])}
                  variant="subtle"
                  color="gray"
                  aria-label={t("view.of", { name })}
                >
                  <IconEye size={17} />
                </ActionIcon>
              </Tooltip>
            ) : (
              <Button
                size="compact-xs"
                variant="subtle"
                loading={isRunning && toView === keyOf(answer)}
                disabled={isRunning}
                onClick={() => onView(answer)}
              >
                {t("retrieve.view")}
              </Button>
            )}
            <Tooltip label={t("retrieve")}>
              <ActionIcon
                variant="subtle"
                color="gray"
                disabled={isRunning}
                aria-label={t("retrieve.of", { name })}
                onClick={() => onRetrieve(answer)}
              >
                <IconDownload size={17} />
              </ActionIcon>
            </Tooltip>
          </Group>
        );
      },
    },
  ];
}
