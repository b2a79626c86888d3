import "./texts";

import { Button, Group, Loader, SegmentedControl, Text } from "@mantine/core";
import { IconListCheck } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import { useMay } from "@/app/session";
import { Empty } from "@/components/Empty";
import { Failure } from "@/components/Failure";
import { PageHead } from "@/components/PageHead";
import { Sheet } from "@/components/Sheet";
import type { Column } from "@/components/Sheet";
import { showDuration, showMoment } from "@/i18n/formats";

import { isOver, useDeleteEnded, useJobEvents, useJobs } from "./api";
import { JobActions } from "./JobActions";
import { JobMark } from "./JobMark";
import { JobProgress } from "./JobProgress";
import { JobTitle } from "./JobTitle";
import { Outcomes } from "./Outcomes";
import { useKnownStudies } from "./studies";
import type { Job } from "./api";

const SHOWN: Record<string, (job: Job) => boolean> = {
  all: () => true,
  active: (job) => !isOver(job),
  failed: (job) => job.state === "failed" || job.failed > 0,
};

/** What runs, ran and will run, as it happens. */
export default function JobsPage() {
  const { t } = useTranslation("jobs");
  useJobEvents();
  const { data: jobs, error, isPending, refetch } = useJobs();
  const [filter, setFilter] = useState("all");
  const [open, setOpen] = useState<number | null>(null);
  const clearing = useDeleteEnded();
  const mayAct = useMay("operator");
  const columns = useColumns(jobs ?? []);
  const rows = jobs?.filter(SHOWN[filter] ?? (() => true)) ?? [];

  return (
    <>
      <PageHead
        title={t("title")}
        aside={
          <SegmentedControl
            size="xs"
            value={filter}
            onChange={setFilter}
            data={Object.keys(SHOWN).map((value) => ({ value, label: t(`show.${value}`) }))}
          />
        }
      >
        {mayAct && jobs?.some(isOver) && (
          <Button variant="default" loading={clearing.isPending} onClick={() => clearing.mutate()}>
            {t("delete-ended")}
          </Button>
        )}
      </PageHead>
      {isPending && <Loader size="sm" />}
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {jobs?.length === 0 && (
        <Empty icon={IconListCheck} title={t("empty")}>
          {t("empty.how")}
          {mayAct && (
            <Group justify="center" mt="md">
              <Button component={Link} href="/send" variant="default">
                {t("to-send")}
              </Button>
              <Button component={Link} href="/query" variant="default">
                {t("to-query")}
              </Button>
            </Group>
          )}
        </Empty>
      )}
      {jobs && jobs.length > 0 && rows.length === 0 && <Text c="dimmed">{t("empty.filter")}</Text>}
      {rows.length > 0 && (
        <Sheet
          label={t("title")}
          rows={rows}
          columns={columns}
          keyOf={(job) => String(job.id)}
          onOpen={(job) => setOpen(open === job.id ? null : job.id)}
          more={(job) => (open === job.id ? <Outcomes job={job} /> : null)}
        />
      )}
    </>
  );
}

function useColumns(jobs: readonly Job[]): Column<Job>[] {
  const { t, i18n } = useTranslation("jobs");
  const ended = jobs.filter(isOver).length;
  const studies = useKnownStudies(
    jobs.flatMap((job) => job.about.studies.slice(0, 1)),
    ended,
  );
  return [
    {
      key: "what",
      title: t("what"),
      cell: (job) => (
        <>
          <JobTitle job={job} studies={studies} />
          {job.error && job.state !== "done" && (
            <Text size="xs" c="var(--state-bad)" lineClamp={2} ml={27}>
              {job.error}
            </Text>
          )}
        </>
      ),
    },
    { key: "progress", title: t("progress"), kind: "whole", cell: (job) => <JobProgress job={job} /> },
    { key: "state", title: t("state"), cell: (job) => <JobMark job={job} /> },
    {
      key: "started",
      title: t("started"),
      cell: (job) => showMoment(job.started_us ?? job.created_us, i18n.language),
    },
    {
      key: "took",
      title: t("took"),
      kind: "number",
      cell: (job) =>
        job.started_us !== null && job.ended_us !== null
          ? showDuration((job.ended_us - job.started_us) / 1e6, i18n.language)
          : "",
    },
    { key: "actions", title: "", kind: "actions", cell: (job) => <JobActions job={job} /> },
  ];
}
