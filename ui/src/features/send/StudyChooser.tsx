import { Button, Group, Loader, Stack, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Failure } from "@/components/Failure";
import { Sheet } from "@/components/Sheet";
import type { Column } from "@/components/Sheet";
import { showCount, showDate, showName } from "@/i18n/formats";
import type { KnownStudy } from "@/features/jobs/studies";

import { useStudies } from "./api";

interface Props {
  chosen: ReadonlySet<string>;
  onChoose: (chosen: ReadonlySet<string>) => void;
}

const WAIT_MS = 250;

/** Studies of the archive, found by one box; what was chosen stays chosen while others are looked for. */
export function StudyChooser({ chosen, onChoose }: Props) {
  const { t, i18n } = useTranslation("send");
  const [text, setText] = useState("");
  const [q] = useDebouncedValue(text.trim(), WAIT_MS);
  const { data, error, isFetching } = useStudies(q);
  const rows = data?.rows ?? [];
  const nameOf = (study: KnownStudy) => showName(study.PatientName, i18n.language);
  const columns: Column<KnownStudy>[] = [
    {
      key: "patient",
      title: t("patient"),
      cell: (study) => (
        <>
          <Text size="sm" fw={550}>
            <bdi>{nameOf(study) || study.PatientID}</bdi>
          </Text>
          <Text size="xs" c="dimmed">
            <bdi>{study.PatientID}</bdi>
          </Text>
        </>
      ),
    },
    { key: "date", title: t("date"), cell: (study) => showDate(study.StudyDate, i18n.language) },
    { key: "modality", title: t("modality"), cell: (study) => study.ModalitiesInStudy?.join(", ") },
    { key: "description", title: t("description"), cell: (study) => <bdi>{study.StudyDescription}</bdi> },
    {
      key: "images",
      title: t("images"),
      kind: "number",
      cell: (study) => showCount(study.NumberOfStudyRelatedInstances ?? 0, i18n.language),
    },
  ];
  /** The rows that are shown may be chosen or not; those that are not shown stay as they are. */
  const choose = (shown: ReadonlySet<string>) => {
    const others = [...chosen].filter((uid) => !rows.some((study) => study.StudyInstanceUID === uid));
    onChoose(new Set([...others, ...shown]));
  };
  const shownChosen = new Set(rows.map((study) => study.StudyInstanceUID).filter((uid) => chosen.has(uid)));
  return (
    <Stack gap="sm">
      <TextInput
        aria-label={t("search")}
        placeholder={t("search")}
        leftSection={<IconSearch size={15} />}
        rightSection={isFetching ? <Loader size={14} /> : null}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      {chosen.size > 0 && (
        <Group gap="xs">
          <Text size="sm" fw={550} role="status">
            {t("chosen", { count: chosen.size })}
          </Text>
          <Button size="compact-xs" variant="subtle" onClick={() => onChoose(new Set())}>
            {t("chosen.clear")}
          </Button>
        </Group>
      )}
      {error && <Failure error={error} />}
      {data && rows.length === 0 && <Text c="dimmed">{t("none-found")}</Text>}
      {rows.length > 0 && (
        <Sheet
          label={t("studies")}
          rows={rows}
          columns={columns}
          keyOf={(study) => study.StudyInstanceUID}
          chosen={shownChosen}
          onChoose={choose}
          chooseLabel={(study) => t("choose", { name: nameOf(study) })}
          chooseAllLabel={t("choose.all")}
        />
      )}
    </Stack>
  );
}
