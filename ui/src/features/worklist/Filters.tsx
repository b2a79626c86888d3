import { ActionIcon, Button, Group, Select, Stack, TextInput } from "@mantine/core";
import { IconChevronLeft, IconChevronRight, IconSearch } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { STATUSES, stepsOf, text } from "./api";
import { fromField, shifted, toField } from "./days";
import type { Entry } from "./api";

interface Props {
  params: URLSearchParams;
  day: string;
  today: string;
  entries: readonly Entry[];
  onChange: (changes: Record<string, string>) => void;
}

/** The day, and what of it is shown; choices are those that there are. */
export function Filters({ params, day, today, entries, onChange }: Props) {
  const { t } = useTranslation("worklist");
  const of = (keyword: string) =>
    [...new Set(entries.flatMap((entry) => text(stepsOf(entry.item)[0], keyword).split("\\")))]
      .filter(Boolean)
      .sort();
  const choice = (name: string, data: { value: string; label: string }[] | string[]) => ({
    "aria-label": t(name),
    placeholder: t(`${name}.all`),
    data,
    value: params.get(name),
    onChange: (value: string | null) => onChange({ [name]: value ?? "" }),
    clearable: true,
    flex: { base: "1 1 100px", lg: "0 0 140px" },
  });
  return (
    <Stack gap="sm">
      <Group gap="sm">
        <Group gap={4} wrap="nowrap">
          <ActionIcon
            variant="default"
            size={30}
            aria-label={t("day.before")}
            onClick={() => onChange({ day: shifted(day || today, -1) })}
          >
            <IconChevronLeft size={16} />
          </ActionIcon>
          <TextInput
            type="date"
            aria-label={t("day")}
            w={145}
            value={toField(day)}
            onChange={(event) => onChange({ day: fromField(event.currentTarget.value) || "any" })}
          />
          <ActionIcon
            variant="default"
            size={30}
            aria-label={t("day.after")}
            onClick={() => onChange({ day: shifted(day || today, 1) })}
          >
            <IconChevronRight size={16} />
          </ActionIcon>
        </Group>
        <Button.Group>
          <Button
            variant={day === today ? "light" : "default"}
            aria-pressed={day === today}
            onClick={() => onChange({ day: "" })}
          >
            {t("today")}
          </Button>
          <Button
            variant={day ? "default" : "light"}
            aria-pressed={!day}
            onClick={() => onChange({ day: "any" })}
          >
            {t("any-day")}
          </Button>
        </Button.Group>
      </Group>
      <Group gap="sm">
        <TextInput
          flex={{ base: "1 1 100%", lg: 1 }}
          miw={180}
          aria-label={t("search")}
          placeholder={t("search")}
          leftSection={<IconSearch size={15} />}
          value={params.get("q") ?? ""}
          onChange={(event) => onChange({ q: event.currentTarget.value })}
        />
        <Select {...choice("station", of("ScheduledStationAETitle"))} />
        <Select {...choice("modality", of("Modality"))} />
        <Select
          {...choice(
            "status",
            STATUSES.map((value) => ({ value, label: t(`status.${value}`) })),
          )}
        />
      </Group>
    </Stack>
  );
}
