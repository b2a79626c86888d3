import { Button, Group, MultiSelect, Radio, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { modals } from "@mantine/modals";
import { notifications } from "@mantine/notifications";
import { useMutation } from "@tanstack/react-query";
import i18next from "i18next";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { ask } from "@/api/client";
import { Failure } from "@/components/Failure";

import type { Study } from "../api";

/** The options of PS3.15 E.3, as the server calls them. */
const OPTIONS = [
  "clean-pixel-data",
  "clean-visual-features",
  "clean-graphics",
  "clean-structured-content",
  "clean-descriptors",
  "retain-full-dates",
  "retain-modified-dates",
  "retain-patient-characteristics",
  "retain-device-identity",
  "retain-institution-identity",
  "retain-uids",
  "retain-safe-private",
];

export function askAnonymise(studies: readonly Study[]): void {
  modals.open({
    title: i18next.t("anonymise.title", { ns: "studies", count: studies.length }),
    children: <AnonymiseDialog studies={studies} />,
  });
}

function AnonymiseDialog({ studies }: { studies: readonly Study[] }) {
  const { t } = useTranslation("studies");
  const [to, setTo] = useState("archive");
  const [options, setOptions] = useState<string[]>([]);
  const [id, setId] = useState("");
  const [name, setName] = useState("");
  const anonymise = useMutation({
    mutationFn: async () => {
      for (const study of studies)
        await ask(`api/studies/${study.StudyInstanceUID}/anonymise`, {
          method: "POST",
          json: { to, options: options.length ? options : null, patient_id: id, patient_name: name },
        });
    },
    onSuccess: () => {
      notifications.show({ title: t("anonymise.done"), message: t("anonymise.jobs") });
      modals.closeAll();
    },
  });
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed">
        {t("anonymise.what")}
      </Text>
      <Radio.Group label={t("anonymise.to")} value={to} onChange={setTo}>
        <Stack gap={6} mt={6}>
          <Radio value="archive" label={t("anonymise.archive")} />
          <Radio value="zip" label={t("anonymise.zip")} />
        </Stack>
      </Radio.Group>
      <SimpleGrid cols={2}>
        <TextInput
          label={t("anonymise.id")}
          placeholder={t("anonymise.by-key")}
          maxLength={64}
          value={id}
          onChange={(event) => setId(event.currentTarget.value)}
        />
        <TextInput
          label={t("anonymise.name")}
          placeholder={t("anonymise.by-key")}
          maxLength={64}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
      </SimpleGrid>
      <MultiSelect
        label={t("anonymise.options")}
        placeholder={options.length ? "" : t("anonymise.options.default")}
        data={OPTIONS}
        value={options}
        onChange={setOptions}
        searchable
        clearable
      />
      {anonymise.error && <Failure error={anonymise.error} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={() => modals.closeAll()}>
          {t("action.cancel", { ns: "app" })}
        </Button>
        <Button loading={anonymise.isPending} onClick={() => anonymise.mutate()}>
          {t("anonymise.go")}
        </Button>
      </Group>
    </Stack>
  );
}
