import "./texts";

import { ActionIcon, Group, Text, Tooltip } from "@mantine/core";
import { IconPlayerStop, IconRefresh, IconTrash } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { useMay } from "@/app/session";
import { useNow } from "@/components/useNow";

import { isOver, useJobAction } from "./api";
import type { Job } from "./api";

/** What can be done to a job as it stands. */
export function JobActions({ job }: { job: Job }) {
  const { t } = useTranslation("jobs");
  const now = useNow();
  const cancel = useJobAction("cancel");
  const retry = useJobAction("retry");
  const remove = useJobAction("delete");
  if (!useMay("operator")) return null;
  const waits = job.state === "waiting" && job.not_before_us / 1000 > now;
  const mayRetry =
    waits || job.state === "failed" || job.state === "cancelled" || (isOver(job) && job.failed > 0);
  const failed = cancel.error ?? retry.error ?? remove.error;
  return (
    <Group gap={2} wrap="nowrap" justify="flex-end">
      {failed && (
        <Text size="xs" c="var(--state-bad)" role="alert">
          {failed.message}
        </Text>
      )}
      {!isOver(job) && (
        <Action
          label={t("cancel.of", { id: job.id })}
          hint={t("cancel")}
          onClick={() => cancel.mutate(job.id)}
        >
          <IconPlayerStop size={16} />
        </Action>
      )}
      {mayRetry && (
        <Action
          label={t("retry.of", { id: job.id })}
          hint={t(waits ? "retry.now" : "retry")}
          onClick={() => retry.mutate(job.id)}
        >
          <IconRefresh size={16} />
        </Action>
      )}
      {isOver(job) && (
        <Action
          label={t("delete.of", { id: job.id })}
          hint={t("action.delete", { ns: "app" })}
          onClick={() => remove.mutate(job.id)}
        >
          <IconTrash size={16} />
        </Action>
      )}
    </Group>
  );
}

interface ActionProps {
  label: string;
  hint: string;
  onClick: () => void;
  children: ReactNode;
}

function Action({ label, hint, onClick, children }: ActionProps) {
  return (
    <Tooltip label={hint}>
      <ActionIcon variant="subtle" color="gray" aria-label={label} onClick={onClick}>
        {children}
      </ActionIcon>
    </Tooltip>
  );
}
