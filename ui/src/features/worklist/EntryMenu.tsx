import { ActionIcon, Menu } from "@mantine/core";
import { IconCopy, IconDots, IconEdit, IconTrash } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { useMay } from "@/app/session";
import { askToDelete } from "@/components/DeleteButton";

import { useRemove } from "./api";
import type { Entry } from "./api";

export interface Editing {
  id: string | null;
  mode: "new" | "edit" | "clone";
}

interface Props {
  entry: Entry;
  name: string;
  onEdit: (editing: Editing) => void;
}

/** What can be done with an examination. */
export function EntryMenu({ entry, name, onEdit }: Props) {
  const { t } = useTranslation("worklist");
  const remove = useRemove();
  if (!useMay("operator")) return null;
  const ask = () =>
    askToDelete(t, {
      title: t("delete.ask", { name }),
      why: t("delete.why"),
      onConfirm: () => remove.mutate(entry.id),
    });
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={t("more.of", { name })}>
          <IconDots size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          leftSection={<IconEdit size={15} />}
          onClick={() => onEdit({ id: entry.id, mode: "edit" })}
        >
          {t("edit")}
        </Menu.Item>
        <Menu.Item
          leftSection={<IconCopy size={15} />}
          onClick={() => onEdit({ id: entry.id, mode: "clone" })}
        >
          {t("clone")}
        </Menu.Item>
        <Menu.Item leftSection={<IconTrash size={15} />} color="red" onClick={ask}>
          {t("remove")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
