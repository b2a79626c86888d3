import { Menu, UnstyledButton } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { useMay } from "@/app/session";
import { StateMark } from "@/components/StateMark";
import type { State } from "@/theme/tokens";

import { STATUSES, useMove } from "./api";
import type { Entry, StepStatus } from "./api";

const STATES: Record<StepStatus, State | "quiet"> = {
  scheduled: "quiet",
  arrived: "news",
  started: "warning",
  completed: "good",
  discontinued: "bad",
};

/** How far a step is; a press puts it further. */
export function StatusMenu({ entry, name }: { entry: Entry; name: string }) {
  const { t } = useTranslation("worklist");
  const move = useMove();
  const mark = <StateMark state={STATES[entry.status]}>{t(`status.${entry.status}`)}</StateMark>;
  if (!useMay("operator")) return mark;
  return (
    <Menu position="bottom-start" withinPortal>
      <Menu.Target>
        <UnstyledButton
          aria-label={`${t("status.of", { name })}: ${t(`status.${entry.status}`)}`}
          style={{ display: "inline-flex", alignItems: "center", gap: 4, whiteSpace: "nowrap" }}
        >
          {mark}
          <IconChevronDown size={13} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {STATUSES.map((status) => (
          <Menu.Item
            key={status}
            disabled={status === entry.status}
            onClick={() => move.mutate({ id: entry.id, step: entry.step, status })}
          >
            <StateMark state={STATES[status]}>{t(`status.${status}`)}</StateMark>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
