import { Group, Paper, Stack, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { useNow } from "@/components/useNow";
import { showDuration } from "@/i18n/formats";

import { useAskers } from "./api";

/** Which modalities asked, when, for what, and what they got. */
export function Askers() {
  const { t, i18n } = useTranslation("worklist");
  const { data = [] } = useAskers();
  const now = useNow(5000);
  return (
    <Paper bg="var(--ground)" withBorder p="md" component="section">
      <Title order={3} mb="sm">
        {t("askers")}
      </Title>
      {data.length === 0 && (
        <Text size="sm" c="dimmed">
          {t("askers.none")}
        </Text>
      )}
      <Stack gap="sm">
        {data.slice(0, 12).map((asker) => (
          <div key={`${asker.calling_ae_title} ${asker.address}`}>
            <Group justify="space-between" gap="xs" wrap="nowrap">
              <Text size="sm" ff="monospace" fw={600}>
                {asker.calling_ae_title}
              </Text>
              <Text size="xs">{t("asker.answers", { count: asker.answers })}</Text>
            </Group>
            <Text size="xs" c="dimmed">
              {asker.address} ·{" "}
              {t("asker.asked", { when: showDuration(now / 1000 - asker.last_us / 1e6, i18n.language) })} ·{" "}
              <bdi>
                {keysOf(asker.keys) ? t("asker.keys", { keys: keysOf(asker.keys) }) : t("asker.everything")}
              </bdi>
            </Text>
          </div>
        ))}
      </Stack>
    </Paper>
  );
}

/** The values alone say it: stations, modalities and dates are told apart by how they look. */
function keysOf(keys: Readonly<Record<string, string>>): string {
  return Object.values(keys).join(", ");
}
