import "./texts";

import { Tooltip } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { StateMark } from "@/components/StateMark";
import { useNow } from "@/components/useNow";
import { showDuration } from "@/i18n/formats";
import type { State } from "@/theme/tokens";

import type { Job, JobState } from "./api";

const STATES: Record<JobState, State | "quiet"> = {
  waiting: "quiet",
  running: "news",
  done: "good",
  failed: "bad",
  cancelled: "quiet",
};

/** How a job stands, with what went wrong in the server's words. */
export function JobMark({ job }: { job: Job }) {
  const { t, i18n } = useTranslation("jobs");
  const waitS = job.not_before_us / 1e6 - useNow() / 1000;
  const isWarned = job.state === "done" && job.failed + job.warned > 0;
  let word = t(`state.${job.state}`);
  if (isWarned) word = t("state.warned");
  else if (job.is_cancelling) word = t("state.cancelling");
  else if (job.state === "waiting" && waitS > 1)
    word = t("state.again", { when: showDuration(waitS, i18n.language) });
  return (
    <Tooltip label={job.error} disabled={!job.error} multiline maw={420}>
      <span>
        <StateMark state={isWarned ? "warning" : STATES[job.state]}>{word}</StateMark>
      </span>
    </Tooltip>
  );
}
