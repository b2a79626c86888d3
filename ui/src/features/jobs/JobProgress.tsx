import "./texts";

import { Group, Progress, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { useNow } from "@/components/useNow";
import { showDuration } from "@/i18n/formats";

import { isOver } from "./api";
import type { Job } from "./api";

/** How far a job is: a bar with its failures, and numbers with speed and time left while it runs. */
export function JobProgress({ job }: { job: Job }) {
  const { t, i18n } = useTranslation("jobs");
  const now = useNow();
  const { done, failed, warned, total } = job;
  const all = total ?? 0;
  const tried = done + failed + warned;
  const share = (count: number) => (all > 0 ? (100 * count) / all : 0);
  const rate = job.state === "running" ? rateOf(job, now) : 0;
  return (
    <div style={{ minWidth: 130 }}>
      <Progress.Root size={6} aria-label={t("progress")}>
        <Progress.Section
          value={share(done) || (job.state === "done" ? 100 : 0)}
          color={job.state === "running" ? "amber" : "var(--state-good)"}
          animated={job.state === "running"}
          aria-label={t("progress")}
        />
        <Progress.Section value={share(warned)} color="var(--state-warning)" aria-label={t("progress")} />
        <Progress.Section value={share(failed)} color="var(--state-bad)" aria-label={t("progress")} />
      </Progress.Root>
      <Group gap={8} mt={3}>
        <Text size="xs" c="dimmed">
          {total === null ? tried : t("of", { done: tried, total })}
        </Text>
        {failed > 0 && (
          <Text size="xs" c="var(--state-bad)">
            {t("failed", { count: failed })}
          </Text>
        )}
        {warned > 0 && (
          <Text size="xs" c="var(--state-warning)">
            {t("warned", { count: warned })}
          </Text>
        )}
        {rate > 0 && !isOver(job) && (
          <Text size="xs" c="dimmed">
            {t("speed", { count: Number(rate.toPrecision(2)) })}
            {all > tried && ` · ${t("left", { time: showDuration((all - tried) / rate, i18n.language) })}`}
          </Text>
        )}
      </Group>
    </div>
  );
}

function rateOf(job: Job, nowMs: number): number {
  const seconds = job.started_us === null ? 0 : nowMs / 1000 - job.started_us / 1e6;
  return seconds > 1 ? (job.done + job.failed + job.warned) / seconds : 0;
}
