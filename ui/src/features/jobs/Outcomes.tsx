import { Group, List, Loader, SegmentedControl, Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Failure } from "@/components/Failure";
import { StateMark } from "@/components/StateMark";
import { worded } from "@/i18n/said";

import { useOutcomes } from "./api";
import type { Job } from "./api";

const PROBLEMS = ["failed", "warned"];
const STATES = { ok: "good", warned: "warning", failed: "bad" } as const;

/** What came of a job's items: its problems first, as those are what is asked about. */
export function Outcomes({ job }: { job: Job }) {
  const { t } = useTranslation("jobs");
  const [shown, setShown] = useState(job.failed + job.warned > 0 ? "problems" : "all");
  const { data, error, isPending } = useOutcomes(job, shown === "problems" ? PROBLEMS : []);
  return (
    <section aria-label={t("details")}>
      <Group justify="space-between" mb={6}>
        <SegmentedControl
          size="xs"
          value={shown}
          onChange={setShown}
          data={["problems", "all"].map((value) => ({ value, label: t(`details.${value}`) }))}
        />
      </Group>
      {job.error && (
        <Text size="sm" c="var(--state-bad)" mb={6}>
          {worded(job.error_said, job.error)}
        </Text>
      )}
      {isPending && <Loader size="xs" />}
      {error && <Failure error={error} />}
      {data?.length === 0 && (
        <Text size="sm" c="dimmed">
          {t("details.none")}
        </Text>
      )}
      <List listStyleType="none" mah={260} style={{ overflowY: "auto" }}>
        {data?.map((each) => (
          <List.Item key={each.number}>
            <Group gap={8} align="baseline">
              <StateMark state={STATES[each.result]}>
                <Text span ff="monospace" size="xs">
                  {each.item}
                </Text>
              </StateMark>
              <Text size="xs" c="dimmed">
                {worded(each.comment_said, each.comment)}
              </Text>
            </Group>
          </List.Item>
        ))}
      </List>
    </section>
  );
}
