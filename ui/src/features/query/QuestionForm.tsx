import { Button, Group, MultiSelect, SimpleGrid, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { EMPTY } from "./form";
import type { Question } from "./form";

export const MODALITIES = ["CR", "CT", "DX", "ES", "MG", "MR", "NM", "OT", "PT", "RF", "SR", "US", "XA"];

interface Props {
  initial: Question;
  canAsk: boolean;
  isBusy: boolean;
  onAsk: (question: Question) => void;
}

const isoDay = (daysAgo: number) => {
  const day = new Date();
  day.setDate(day.getDate() - daysAgo);
  return [day.getFullYear(), day.getMonth() + 1, day.getDate()]
    .map((part) => String(part).padStart(2, "0"))
    .join("-");
};

/** What to ask: a few keys that every node can match, and Enter anywhere asks. */
export function QuestionForm({ initial, canAsk, isBusy, onAsk }: Props) {
  const { t } = useTranslation("query");
  const [question, setQuestion] = useState(initial);
  const set = (changes: Partial<Question>) => setQuestion((before) => ({ ...before, ...changes }));
  const text = (field: "name" | "id" | "accession" | "description") => ({
    label: t(field),
    value: question[field],
    onChange: (event: { currentTarget: { value: string } }) => set({ [field]: event.currentTarget.value }),
  });
  const day = (field: "from" | "to") => ({
    type: "date",
    label: t(field),
    value: question[field],
    onChange: (event: { currentTarget: { value: string } }) => set({ [field]: event.currentTarget.value }),
  });

  return (
    <form
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        if (canAsk) onAsk(question);
      }}
    >
      <SimpleGrid cols={{ base: 2, md: 4 }} spacing="sm" verticalSpacing="sm">
        <TextInput {...text("name")} autoFocus />
        <TextInput {...text("id")} />
        <TextInput {...text("accession")} />
        <MultiSelect
          label={t("modality")}
          data={MODALITIES}
          value={question.modalities}
          onChange={(modalities) => set({ modalities })}
          searchable
          clearable
          hidePickedOptions
        />
        <TextInput {...text("description")} />
        <TextInput {...day("from")} />
        <TextInput {...day("to")} />
        <Group gap={6} align="flex-end" wrap="nowrap">
          {(["today", "week", "month"] as const).map((name, at) => (
            <Button
              key={name}
              variant="default"
              size="compact-sm"
              px={8}
              h={30}
              onClick={() => set({ from: isoDay([0, 6, 29][at] ?? 0), to: isoDay(0) })}
            >
              {t(name)}
            </Button>
          ))}
        </Group>
      </SimpleGrid>
      <Group mt="md" gap="sm">
        <Button type="submit" leftSection={<IconSearch size={16} />} loading={isBusy} disabled={!canAsk}>
          {t("ask")}
        </Button>
        <Button variant="subtle" color="gray" onClick={() => setQuestion(EMPTY)}>
          {t("clear")}
        </Button>
      </Group>
    </form>
  );
}
