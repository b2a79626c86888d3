import { Button, Checkbox, Group, Stack, Text, TextInput } from "@mantine/core";
import { modals } from "@mantine/modals";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import i18next from "i18next";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Problem } from "@/api/client";
import { Failure } from "@/components/Failure";
import { showCount } from "@/i18n/formats";

import { BIN, empty, purge } from "./api";
import type { Deletion } from "./api";

/** Ask before one deletion, or all of them (`null`), are removed for good. */
export function askPurge(deletion: Deletion | null): void {
  modals.open({
    title: i18next.t(deletion ? "purge.title" : "empty-all.title", { ns: "recycle" }),
    children: <PurgeDialog deletion={deletion} />,
  });
}

function PurgeDialog({ deletion }: { deletion: Deletion | null }) {
  const { t, i18n } = useTranslation("recycle");
  const queries = useQueryClient();
  const [typed, setTyped] = useState("");
  const [force, setForce] = useState(false);
  const remove = useMutation({
    mutationFn: async () => {
      if (deletion) await purge(deletion.id, force);
      else await empty(force);
    },
    onSuccess: () => {
      notifications.show({ message: t("purged") });
      modals.closeAll();
    },
    onSettled: () => queries.invalidateQueries({ queryKey: BIN }),
  });
  const word = t("purge.word");
  const isSure = typed.trim().toLowerCase() === word;
  const isPromised = remove.error instanceof Problem && remove.error.status === 409;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (isSure) remove.mutate();
      }}
    >
      <Stack gap="md">
        <Text size="sm">
          {deletion
            ? t("purge.what", {
                count: deletion.instances,
                images: showCount(deletion.instances, i18n.language),
              })
            : t("empty-all.what")}
        </Text>
        <TextInput
          label={t("purge.type", { word })}
          data-autofocus
          autoComplete="off"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        {remove.error && <Failure error={remove.error} />}
        {(isPromised || force) && (
          <Checkbox
            label={t("purge.force")}
            checked={force}
            onChange={(event) => setForce(event.currentTarget.checked)}
          />
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={() => modals.closeAll()}>
            {t("action.cancel", { ns: "app" })}
          </Button>
          <Button type="submit" color="red" disabled={!isSure} loading={remove.isPending}>
            {t("purge")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
