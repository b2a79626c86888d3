import { Badge, Button, CloseButton, Group } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { showDate } from "@/i18n/formats";

import { isPreset } from "../dates";
import { FILTERS, NO_FILTERS } from "../state";
import type { FilterName, Filters } from "../state";

interface Props {
  filters: Filters;
  /** Whether dates and modalities stand beside the search box anyway. */
  isWide: boolean;
  onChange: (filters: Filters) => void;
}

/** The filters that hold, each with a way to take it off. */
export function FilterChips({ filters, isWide, onChange }: Props) {
  const { t, i18n } = useTranslation("studies");
  const isShown = (name: FilterName) =>
    !isWide || !(name === "ModalitiesInStudy" || (name === "StudyDate" && isPreset(filters.StudyDate)));
  if (!FILTERS.some((name) => filters[name].length > 0 && isShown(name))) return null;
  const words: Partial<Record<FilterName, string>> = {
    PatientName: filters.PatientName,
    PatientID: filters.PatientID,
    AccessionNumber: filters.AccessionNumber,
    ModalitiesInStudy: filters.ModalitiesInStudy.join(", "),
    StudyDate: isPreset(filters.StudyDate)
      ? t(`date.${filters.StudyDate}`)
      : [...new Set(filters.StudyDate.split("-"))].map((day) => showDate(day, i18n.language)).join(" – "),
    StudyDescription: filters.StudyDescription,
    label: filters.label.join(", "),
    remark: filters.remark,
  };
  const name = (filter: FilterName) =>
    filter === "label" ? t("col.labels") : t(`col.${filter}` as "col.remark");
  return (
    <Group gap={6}>
      {(Object.entries(words) as [FilterName, string][])
        .filter(([name, word]) => word && isShown(name))
        .map(([filter, word]) => (
          <Badge
            key={filter}
            variant="light"
            size="lg"
            tt="none"
            fw={450}
            rightSection={
              <CloseButton
                size={16}
                aria-label={t("filter.remove", { name: name(filter) })}
                onClick={() => onChange({ ...filters, [filter]: NO_FILTERS[filter] })}
              />
            }
          >
            {name(filter)}: <bdi>{word}</bdi>
          </Badge>
        ))}
      <Button
        size="compact-xs"
        variant="subtle"
        color="gray"
        onClick={() => onChange({ ...NO_FILTERS, q: filters.q })}
      >
        {t("filter.clear")}
      </Button>
    </Group>
  );
}
