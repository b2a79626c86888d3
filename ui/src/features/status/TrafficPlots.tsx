import { Group, Paper, SimpleGrid, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { showBytes, showCount } from "@/i18n/formats";

import { useTraffic } from "./api";
import { Plot } from "./Plot";
import type { Totals } from "./api";
import type { Line } from "./Plot";

const MINUTE_S = 60;

/** Associations, messages and data of the last hour, per minute. */
export function TrafficPlots() {
  const { t, i18n } = useTranslation("status");
  const { data } = useTraffic();
  const spans = data?.spans ?? [];
  if (spans.length < 2) {
    return (
      <Text size="sm" c="dimmed">
        {t("plot.soon")}
      </Text>
    );
  }
  const times = spans.map((span) => span.end_us / 1e6);
  const rate = MINUTE_S / (data?.span_s ?? MINUTE_S);
  const line = (name: string, colour: string, of: keyof Totals): Line => ({
    name,
    colour,
    values: spans.map((span) => span.passed[of] * rate),
  });
  const count = (value: number) => showCount(value, i18n.language);
  const bytes = (value: number) => showBytes(value, i18n.language);
  const plots = [
    {
      key: "associations",
      show: count,
      lines: [
        line(t("served"), "--state-news", "associations"),
        line(t("turned"), "--state-bad", "rejections"),
      ],
    },
    {
      key: "messages",
      show: count,
      lines: [
        line(t("plot.in"), "--state-news", "messages_received"),
        line(t("plot.out"), "--state-good", "messages_sent"),
      ],
    },
    {
      key: "bytes",
      show: bytes,
      lines: [
        line(t("plot.in"), "--state-news", "data_set_bytes_received"),
        line(t("plot.out"), "--state-good", "data_set_bytes_sent"),
      ],
    },
  ];
  return (
    <SimpleGrid cols={{ base: 1, md: 3 }} spacing="md">
      {plots.map(({ key, lines, show }) => (
        <Paper key={key} bg="var(--ground)" withBorder p="sm">
          <Group justify="space-between" mb={4} gap="xs">
            <Text size="sm" fw={550}>
              {t(`plot.${key}`)}{" "}
              <Text span size="xs" c="dimmed">
                {t("plot.per-minute")}
              </Text>
            </Text>
            <Group gap="sm">
              {lines.map(({ name, colour }) => (
                <Group key={name} gap={4} wrap="nowrap">
                  <span
                    aria-hidden
                    style={{ width: 9, height: 3, borderRadius: 2, background: `var(${colour})` }}
                  />
                  <Text size="xs" c="dimmed">
                    {name}
                  </Text>
                </Group>
              ))}
            </Group>
          </Group>
          <Plot label={`${t(`plot.${key}`)}, ${t("hour")}`} times={times} lines={lines} show={show} />
        </Paper>
      ))}
    </SimpleGrid>
  );
}
