import { Button, Group, MultiSelect, Select, SimpleGrid, Stack, TagsInput, TextInput } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { MODALITIES } from "./codes";
import { useLabels } from "../api";
import { endsOf, isPreset, presets, rangeOf } from "../dates";
import { NO_FILTERS } from "../state";
import type { Filters } from "../state";

interface Props {
  filters: Filters;
  onChange: (filters: Filters) => void;
}

const TEXTS = ["PatientName", "PatientID", "AccessionNumber", "StudyDescription"] as const;

/** Every filter with its field; each takes effect as it is typed. */
export default function FilterForm({ filters, onChange }: Props) {
  const { t } = useTranslation("studies");
  const labels = useLabels();
  const [first, last] = isPreset(filters.StudyDate) ? ["", ""] : endsOf(filters.StudyDate);
  const set = (change: Partial<Filters>) => onChange({ ...filters, ...change });
  return (
    <Stack gap="sm">
      <SimpleGrid cols={2} spacing="sm" verticalSpacing="sm">
        {TEXTS.map((name) => (
          <TextInput
            key={name}
            label={t(`col.${name}`)}
            value={filters[name]}
            maxLength={64}
            onChange={(event) => set({ [name]: event.currentTarget.value })}
          />
        ))}
        <Select
          label={t("col.StudyDate")}
          placeholder={t("filter.any-date")}
          clearable
          comboboxProps={{ withinPortal: false }}
          data={presets.map((value) => ({ value, label: t(`date.${value}`) }))}
          value={isPreset(filters.StudyDate) ? filters.StudyDate : null}
          onChange={(value) => set({ StudyDate: value ?? "" })}
        />
        <MultiSelect
          label={t("col.ModalitiesInStudy")}
          searchable
          clearable
          comboboxProps={{ withinPortal: false }}
          data={MODALITIES}
          value={[...filters.ModalitiesInStudy]}
          onChange={(ModalitiesInStudy) => set({ ModalitiesInStudy })}
        />
        <TextInput
          type="date"
          label={t("filter.from")}
          value={first}
          onChange={(event) => set({ StudyDate: rangeOf(event.currentTarget.value, last) })}
        />
        <TextInput
          type="date"
          label={t("filter.to")}
          value={last}
          onChange={(event) => set({ StudyDate: rangeOf(first, event.currentTarget.value) })}
        />
        <TagsInput
          label={t("col.labels")}
          comboboxProps={{ withinPortal: false }}
          data={(labels.data ?? []).map((each) => each.label)}
          value={[...filters.label]}
          onChange={(label) => set({ label })}
        />
        <TextInput
          label={t("col.remark")}
          value={filters.remark}
          maxLength={64}
          onChange={(event) => set({ remark: event.currentTarget.value })}
        />
      </SimpleGrid>
      <Group justify="flex-end">
        <Button variant="subtle" color="gray" onClick={() => onChange({ ...NO_FILTERS, q: filters.q })}>
          {t("filter.clear")}
        </Button>
      </Group>
    </Stack>
  );
}
