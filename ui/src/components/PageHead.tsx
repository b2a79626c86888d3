import { Group, Title } from "@mantine/core";
import type { ReactNode } from "react";

interface Props {
  title: string;
  /** What stands beside the title: counts, a switch of views. */
  aside?: ReactNode;
  /** What can be done here; the last one is the main thing. */
  children?: ReactNode;
}

/** The top of a page: its name, and what can be done here. */
export function PageHead({ title, aside, children }: Props) {
  return (
    <Group justify="space-between" gap="sm" mb="md" mih={34}>
      <Group gap="md">
        <Title order={1}>{title}</Title>
        {aside}
      </Group>
      <Group gap="sm">{children}</Group>
    </Group>
  );
}
