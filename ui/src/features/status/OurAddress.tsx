import "./texts";

import { ActionIcon, Group, Paper, SimpleGrid, Text, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { Copying } from "@/components/Copying";

import { doorFor, ourAddress, useStatus } from "./api";

const MINUTE_MS = 60_000;

/** What to type into a device so that it reaches us: AE title, address and port, each to be copied. */
export function OurAddress({ services }: { services: readonly string[] }) {
  const { t } = useTranslation("status");
  const { data: status } = useStatus(MINUTE_MS);
  const door = status && doorFor(status, services);
  if (!door) return null;
  return (
    <Paper bg="var(--ground)" withBorder p="md" mt="sm">
      <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="md" ta="start">
        <Fact name={t("ae-title")} value={door.ae_titles[0] ?? status.ae_title} />
        <Fact name={t("address")} value={ourAddress(status, window.location.hostname)} />
        <Fact name={t("port")} value={String(door.port)} />
      </SimpleGrid>
    </Paper>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  const { t } = useTranslation("status");
  return (
    <div>
      <Text size="xs" c="dimmed">
        {name}
      </Text>
      <Group gap={4} wrap="nowrap">
        <Text ff="monospace" fw={600} c="var(--mantine-color-text)">
          {value}
        </Text>
        <Copying value={value}>
          {({ copied, copy }) => (
            <Tooltip label={copied ? t("copied") : t("copy", { name })}>
              <ActionIcon
                variant="subtle"
                color="gray"
                size="sm"
                onClick={copy}
                aria-label={t("copy", { name })}
              >
                {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
              </ActionIcon>
            </Tooltip>
          )}
        </Copying>
      </Group>
    </div>
  );
}
