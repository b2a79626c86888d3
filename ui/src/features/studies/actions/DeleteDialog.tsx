import { Progress, TextInput } from "@mantine/core";
import { modals } from "@mantine/modals";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import i18next from "i18next";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Problem, send } from "@/api/client";
import { TypedConfirm } from "@/components/TypedConfirm";
import { showCount } from "@/i18n/formats";

import { STUDIES } from "../api";
import type { Study } from "../api";

export function askDelete(studies: readonly Study[], onDone?: () => void): void {
  modals.open({
    title: i18next.t("delete.title", { ns: "studies", count: studies.length }),
    children: <DeleteDialog studies={studies} onDone={onDone} />,
  });
}

interface Props {
  studies: readonly Study[];
  onDone: (() => void) | undefined;
}

function DeleteDialog({ studies, onDone }: Props) {
  const { t, i18n } = useTranslation("studies");
  const queries = useQueryClient();
  const [reason, setReason] = useState("");
  const [done, setDone] = useState(0);
  const images = studies.reduce((sum, study) => sum + (study.NumberOfStudyRelatedInstances ?? 0), 0);
  const remove = useMutation({
    mutationFn: async () => {
      for (const [at, study] of studies.entries()) {
        try {
          await send(`dicomweb/studies/${study.StudyInstanceUID}`, { method: "DELETE", query: { reason } });
        } catch (error) {
          // Who is gone already is what was wanted.
          if (!(error instanceof Problem && error.status === 404)) throw error;
        }
        setDone(at + 1);
      }
    },
    onSuccess: () => {
      notifications.show({ message: t("delete.done", { count: studies.length }) });
      modals.closeAll();
      onDone?.();
    },
    onSettled: () => queries.invalidateQueries({ queryKey: STUDIES }),
  });
  return (
    <TypedConfirm
      what={t("delete.what", { count: images, images: showCount(images, i18n.language) })}
      word={t("delete.word")}
      action={t("delete.go")}
      remove={remove}
      below={remove.isPending && studies.length > 1 && <Progress value={(100 * done) / studies.length} />}
    >
      <TextInput
        label={t("delete.reason")}
        maxLength={200}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
    </TypedConfirm>
  );
}
