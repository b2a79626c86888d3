import { ActionIcon, Paper, SimpleGrid, Stack, Text, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy, IconInbox } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { ask, root } from "@/api/client";
import { Copying } from "@/components/Copying";
import { Empty } from "@/components/Empty";

interface Status {
  ae_title: string;
  addresses: readonly string[];
  listeners: readonly {
    port: number;
    ae_titles: readonly string[];
    services: readonly string[];
    is_tls: boolean;
  }[];
}

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** An archive without studies says how to get the first one: what to type into a scanner. */
export default function NoStudies() {
  const { t } = useTranslation("studies");
  const { data } = useQuery({ queryKey: ["status"], queryFn: () => ask<Status>("api/status"), retry: false });
  const taking = data?.listeners.find((each) => each.services.includes("storage"));
  // Under the name by which this page was found others find us as well, unless that is this very machine.
  const host = LOOPBACK.has(root.hostname) ? (data?.addresses[0] ?? root.hostname) : root.hostname;
  return (
    <Empty icon={IconInbox} title={t("empty.none")}>
      <Stack align="center" gap="md">
        {t("empty.none.how")}
        {taking && (
          <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="sm">
            <Typed name={t("empty.aet")} value={taking.ae_titles[0] ?? data?.ae_title ?? ""} />
            <Typed name={t("empty.host")} value={host} />
            <Typed name={t("empty.port")} value={String(taking.port)} />
          </SimpleGrid>
        )}
      </Stack>
    </Empty>
  );
}

function Typed({ name, value }: { name: string; value: string }) {
  const { t } = useTranslation("studies");
  return (
    <Paper withBorder px="md" py="sm" pos="relative" miw={140}>
      <Text size="xs">{name}</Text>
      <Text ff="monospace" fw={600} size="md" c="var(--mantine-color-text)">
        {value}
      </Text>
      <Copying value={value}>
        {({ copied, copy }) => (
          <Tooltip label={copied ? t("empty.copied") : t("empty.copy")}>
            <ActionIcon
              variant="subtle"
              color="gray"
              size="sm"
              pos="absolute"
              top={4}
              right={4}
              onClick={copy}
              aria-label={`${t("empty.copy")}: ${name}`}
            >
              {copied ? <IconCheck size={13} /> : <IconCopy size={13} />}
            </ActionIcon>
          </Tooltip>
        )}
      </Copying>
    </Paper>
  );
}
