import "./texts";

import { Anchor, Group, Paper, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import { useJobEvents, useJobs } from "@/features/jobs/api";
import { JobActions } from "@/features/jobs/JobActions";
import { JobMark } from "@/features/jobs/JobMark";
import { JobProgress } from "@/features/jobs/JobProgress";

/** What was started here, as it goes, with what can be done about it. */
export function SentJobs({ ids }: { ids: readonly number[] }) {
  const { t } = useTranslation("send");
  useJobEvents();
  const { data: jobs = [] } = useJobs();
  const shown = jobs.filter((job) => ids.includes(job.id));
  if (shown.length === 0) return null;
  return (
    <section aria-label={t("sent-to")}>
      <Group justify="space-between" mb="xs">
        <Text fw={600}>{t("sent-to")}</Text>
        <Anchor component={Link} href="/jobs" size="sm">
          {t("jobs")}
        </Anchor>
      </Group>
      <Stack gap="xs">
        {shown.map((job) => (
          <Paper key={job.id} bg="var(--ground)" withBorder p="sm">
            <Group justify="space-between" wrap="nowrap">
              <Text ff="monospace" fw={600} size="sm">
                {job.about.node}
              </Text>
              <Group gap="xs" wrap="nowrap">
                <JobMark job={job} />
                <JobActions job={job} />
              </Group>
            </Group>
            <JobProgress job={job} />
            {job.error && (
              <Text size="xs" c="var(--state-bad)" mt={4}>
                {job.error}
              </Text>
            )}
          </Paper>
        ))}
      </Stack>
    </section>
  );
}
