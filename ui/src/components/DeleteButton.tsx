import { Button, Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { IconTrash } from "@tabler/icons-react";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";

export interface Asked {
  /** The question, with the name of what would go. */
  title: string;
  /** What comes of it. */
  why: string;
  onConfirm: () => void;
}

/** Ask before something is deleted. */
export function askToDelete(t: TFunction, { title, why, onConfirm }: Asked) {
  modals.openConfirmModal({
    title,
    children: <Text size="sm">{why}</Text>,
    labels: { confirm: t("action.delete", { ns: "app" }), cancel: t("action.cancel", { ns: "app" }) },
    confirmProps: { color: "red" },
    onConfirm,
  });
}

/** Deletes what a form is about, once that is confirmed. */
export function DeleteButton(asked: Asked) {
  const { t } = useTranslation();
  return (
    <Button
      variant="subtle"
      color="red"
      leftSection={<IconTrash size={15} />}
      onClick={() => askToDelete(t, asked)}
    >
      {t("action.delete")}
    </Button>
  );
}
