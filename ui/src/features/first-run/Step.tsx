import { Group, Paper, Stack, Title } from "@mantine/core";
import type { ReactNode } from "react";

import { StateMark } from "@/components/StateMark";
import type { State } from "@/theme/tokens";

interface Props {
  title: string;
  state: State | "quiet";
  /** How it stands, in a word or two. */
  told: string;
  children: ReactNode;
}

/** One thing to look at before work begins. */
export function Step({ title, state, told, children }: Props) {
  return (
    <Paper withBorder p="md" component="li">
      <Stack gap="xs">
        <Group justify="space-between">
          <Title order={2}>{title}</Title>
          <StateMark state={state}>{told}</StateMark>
        </Group>
        {children}
      </Stack>
    </Paper>
  );
}
