import { Group, Paper, ScrollArea, Stack, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { showName, showTime } from "@/i18n/formats";

import { stepsOf, text } from "./api";
import { EntryMenu } from "./EntryMenu";
import { StatusMenu } from "./StatusMenu";
import type { Entry } from "./api";
import type { Editing } from "./EntryMenu";

/** A day beside each other, station by station: who is where, and who is next. */
export function Stations({
  entries,
  onEdit,
}: {
  entries: readonly Entry[];
  onEdit: (editing: Editing) => void;
}) {
  const { t, i18n } = useTranslation("worklist");
  const stationOf = (entry: Entry) => text(stepsOf(entry.item)[0], "ScheduledStationAETitle");
  const names = [...new Set(entries.flatMap((entry) => stationOf(entry).split("\\")))].sort();
  return (
    <ScrollArea>
      <Group align="flex-start" gap="md" wrap="nowrap" pb="sm">
        {names.map((station) => {
          const here = entries.filter((entry) => stationOf(entry).split("\\").includes(station));
          return (
            <Stack key={station} gap="xs" flex="1 0 205px" maw={320} component="section">
              <Group justify="space-between">
                <Title order={3} ff="monospace">
                  {station}
                </Title>
                <Text size="xs" c="dimmed">
                  {here.length}
                </Text>
              </Group>
              {here.map((entry) => {
                const [step] = stepsOf(entry.item);
                const name = showName(text(entry.item, "PatientName"), i18n.language);
                return (
                  <Paper key={`${entry.id} ${entry.step}`} bg="var(--ground)" withBorder p="sm">
                    <Group justify="space-between" wrap="nowrap" align="flex-start">
                      <div>
                        <Text size="sm" fw={600}>
                          {showTime(text(step, "ScheduledProcedureStepStartTime"))} <bdi>{name}</bdi>
                        </Text>
                        <Text size="xs" c="dimmed">
                          <bdi>
                            {[
                              text(step, "Modality"),
                              text(step, "ScheduledProcedureStepDescription") ||
                                text(entry.item, "RequestedProcedureDescription"),
                            ]
                              .filter(Boolean)
                              .join(" · ")}
                          </bdi>
                        </Text>
                      </div>
                      <EntryMenu entry={entry} name={name} onEdit={onEdit} />
                    </Group>
                    <Group mt={6}>
                      <StatusMenu entry={entry} name={name} />
                    </Group>
                  </Paper>
                );
              })}
            </Stack>
          );
        })}
        {names.length === 0 && <Text c="dimmed">{t("empty.filter")}</Text>}
      </Group>
    </ScrollArea>
  );
}
