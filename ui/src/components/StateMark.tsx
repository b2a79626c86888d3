import { Group, Text } from "@mantine/core";
import {
  IconAlertTriangle,
  IconCircleCheck,
  IconCircleDashed,
  IconCircleX,
  IconInfoCircle,
} from "@tabler/icons-react";
import type { ReactNode } from "react";

import type { State } from "@/theme/tokens";

const ICONS = {
  good: IconCircleCheck,
  warning: IconAlertTriangle,
  bad: IconCircleX,
  news: IconInfoCircle,
  quiet: IconCircleDashed,
} as const;

/** How something stands, by colour, icon and word. */
export function StateMark({ state, children }: { state: State | "quiet"; children: ReactNode }) {
  const Icon = ICONS[state];
  const colour = state === "quiet" ? "var(--mantine-color-dimmed)" : `var(--state-${state})`;
  return (
    <Group
      gap={5}
      wrap="nowrap"
      c={colour}
      component="span"
      display="inline-flex"
      style={{ textAlign: "start" }}
    >
      <Icon size={15} stroke={1.8} aria-hidden />
      <Text span size="sm">
        {children}
      </Text>
    </Group>
  );
}
