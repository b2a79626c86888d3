import { Group, Paper, Stack, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { useMay } from "@/app/session";
import { StateMark } from "@/components/StateMark";
import { useNow } from "@/components/useNow";
import { AdmitButton } from "@/features/status/AdmitButton";
import { useRefusals } from "@/features/status/api";
import { showDuration } from "@/i18n/formats";

import { useAskers } from "./api";

/** Which modalities asked, when, for what, and what they got; first those that were let have nothing. */
export function Askers() {
  const { t, i18n } = useTranslation("worklist");
  const { data = [] } = useAskers();
  const { data: refusals = [] } = useRefusals(useMay("operator"));
  const refused = refusals.filter(({ right }) => right === "worklist");
  const now = useNow(5000);
  const since = (us: number) => showDuration(now / 1000 - us / 1e6, i18n.language);
  return (
    <Paper bg="var(--ground)" withBorder p="md" component="section">
      <Title order={3} mb="sm">
        {t("askers")}
      </Title>
      {data.length + refused.length === 0 && (
        <Text size="sm" c="dimmed">
          {t("askers.none")}
        </Text>
      )}
      <Stack gap="sm">
        {refused.slice(0, 6).map((refusal) => (
          <div key={refusal.id}>
            <Group justify="space-between" gap="xs" wrap="nowrap">
              <Text size="sm" ff="monospace" fw={600}>
                <bdi>{refusal.calling_ae_title}</bdi>
              </Text>
              <StateMark state="bad">{t("asker.refused")}</StateMark>
            </Group>
            <Text size="xs" c="dimmed" mb={4}>
              {refusal.address} · {t("asker.refused.why", { when: since(refusal.last_us) })}
            </Text>
            <AdmitButton refusal={refusal} />
          </div>
        ))}
        {data.slice(0, 12).map((asker) => (
          <div key={`${asker.calling_ae_title} ${asker.address}`}>
            <Group justify="space-between" gap="xs" wrap="nowrap">
              <Text size="sm" ff="monospace" fw={600}>
                {asker.calling_ae_title}
              </Text>
              <Text size="xs">{t("asker.answers", { count: asker.answers })}</Text>
            </Group>
            <Text size="xs" c="dimmed">
              {asker.address} · {t("asker.asked", { when: since(asker.last_us) })} ·{" "}
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
