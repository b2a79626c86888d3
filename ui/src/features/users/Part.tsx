import { Group, Loader, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

import { Failure } from "@/components/Failure";

interface Props {
  title: string;
  hint?: string;
  action?: ReactNode;
  asked: { error: unknown; isPending: boolean; refetch: () => unknown };
  children: ReactNode;
}

/** One of the page's lists: its name, what can be done, and how asking for it went. */
export function Part({ title, hint, action, asked, children }: Props) {
  return (
    <section aria-label={title}>
      <Group justify="space-between" mb="sm">
        <div>
          <Title order={2}>{title}</Title>
          {hint && (
            <Text size="sm" c="dimmed">
              {hint}
            </Text>
          )}
        </div>
        {action}
      </Group>
      {asked.isPending && <Loader size="sm" />}
      {asked.error ? <Failure error={asked.error} onRetry={() => void asked.refetch()} /> : children}
    </section>
  );
}
