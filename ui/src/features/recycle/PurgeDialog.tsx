import { Checkbox } from "@mantine/core";
import { modals } from "@mantine/modals";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import i18next from "i18next";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Problem } from "@/api/client";
import { TypedConfirm } from "@/components/TypedConfirm";
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
  const isPromised = remove.error instanceof Problem && remove.error.status === 409;
  return (
    <TypedConfirm
      what={
        deletion
          ? t("purge.what", {
              count: deletion.instances,
              images: showCount(deletion.instances, i18n.language),
            })
          : t("empty-all.what")
      }
      word={t("purge.word")}
      action={t("purge")}
      remove={remove}
      below={
        (isPromised || force) && (
          <Checkbox
            label={t("purge.force")}
            checked={force}
            onChange={(event) => setForce(event.currentTarget.checked)}
          />
        )
      }
    />
  );
}
