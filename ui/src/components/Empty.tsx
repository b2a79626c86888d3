import { Stack, Text, Title } from "@mantine/core";
import type { ComponentType, ReactNode } from "react";

interface Props {
  icon: ComponentType<{ size?: number; stroke?: number }>;
  title: string;
  /** What can be done about it. */
  children?: ReactNode;
}

/** A page or list without content: what it is, and what to do next. */
export function Empty({ icon: Icon, title, children }: Props) {
  return (
    <Stack align="center" gap="sm" py="xl" ta="center" maw={520} mx="auto">
      <Icon size={40} stroke={1.2} />
      <Title order={2}>{title}</Title>
      <Text component="div" c="dimmed" size="sm">
        {children}
      </Text>
    </Stack>
  );
}
