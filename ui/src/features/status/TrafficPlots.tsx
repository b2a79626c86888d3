import { Group, Paper, SimpleGrid, Text } from "@mantine/core";
import { useState } from "react";
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
        <Rates key={key} name={t(`plot.${key}`)} times={times} lines={lines} show={show} />
      ))}
    </SimpleGrid>
  );
}

interface RatesProps {
  name: string;
  times: readonly number[];
  lines: readonly Line[];
  show: (value: number) => string;
}

/** One plot with its numbers: those where the pointer stands, else the last ones. */
function Rates({ name, times, lines, show }: RatesProps) {
  const { t, i18n } = useTranslation("status");
  const [point, setPoint] = useState<number | null>(null);
  const at = point !== null && point < times.length ? point : times.length - 1;
  const when = new Intl.DateTimeFormat(i18n.language, { timeStyle: "short" }).format((times[at] ?? 0) * 1000);
  const valueOf = (line: Line) => show(Math.round(line.values[at] ?? 0));
  const said = lines.map((line) => `${line.name} ${valueOf(line)}`).join(", ");
  return (
    <Paper bg="var(--ground)" withBorder p="sm">
      <Group justify="space-between" mb={4} gap="xs">
        <Text size="sm" fw={550}>
          {name}{" "}
          <Text span size="xs" c="dimmed">
            {t("plot.per-minute")} · {when}
          </Text>
        </Text>
        <Group gap="sm">
          {lines.map((line) => (
            <Group key={line.name} gap={4} wrap="nowrap">
              <span
                aria-hidden
                style={{ width: 9, height: 3, borderRadius: 2, background: `var(${line.colour})` }}
              />
              <Text size="xs" c="dimmed">
                {line.name}{" "}
                <Text span size="xs" fw={600} c="var(--mantine-color-text)">
                  {valueOf(line)}
                </Text>
              </Text>
            </Group>
          ))}
        </Group>
      </Group>
      <Plot
        label={`${name}, ${t("hour")}: ${said}`}
        times={times}
        lines={lines}
        show={show}
        onPoint={setPoint}
      />
    </Paper>
  );
}
