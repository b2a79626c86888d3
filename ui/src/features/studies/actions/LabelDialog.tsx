import { Button, Group, MultiSelect, Stack, TagsInput } from "@mantine/core";
import { modals } from "@mantine/modals";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import i18next from "i18next";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Failure } from "@/components/Failure";

import { mark, STUDIES, useLabels } from "../api";
import type { Study } from "../api";

export function askLabel(studies: readonly Study[]): void {
  modals.open({
    title: i18next.t("label.title", { ns: "studies", count: studies.length }),
    children: <LabelDialog studies={studies} />,
  });
}

function LabelDialog({ studies }: { studies: readonly Study[] }) {
  const { t } = useTranslation("studies");
  const queries = useQueryClient();
  const labels = useLabels();
  const [added, setAdded] = useState<string[]>([]);
  const [removed, setRemoved] = useState<string[]>([]);
  const worn = [...new Set(studies.flatMap((study) => study.labels ?? []))].sort();
  const label = useMutation({
    mutationFn: () =>
      mark(
        studies.map((study) => study.StudyInstanceUID),
        { add_labels: added, remove_labels: removed },
      ),
    onSuccess: async () => {
      notifications.show({ message: t("label.done") });
      modals.closeAll();
      await queries.invalidateQueries({ queryKey: STUDIES });
    },
  });
  return (
    <Stack gap="md">
      <TagsInput
        label={t("label.add")}
        description={t("label.hint")}
        data={(labels.data ?? []).map((each) => each.label)}
        value={added}
        onChange={setAdded}
        maxLength={32}
        data-autofocus
      />
      {worn.length > 0 && (
        <MultiSelect label={t("label.remove")} data={worn} value={removed} onChange={setRemoved} />
      )}
      {label.error && <Failure error={label.error} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={() => modals.closeAll()}>
          {t("action.cancel", { ns: "app" })}
        </Button>
        <Button
          disabled={added.length + removed.length === 0}
          loading={label.isPending}
          onClick={() => label.mutate()}
        >
          {t("action.save", { ns: "app" })}
        </Button>
      </Group>
    </Stack>
  );
}
