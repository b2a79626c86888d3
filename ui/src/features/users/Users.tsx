import { Button } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Sheet, sorted } from "@/components/Sheet";
import type { Column, Sorting } from "@/components/Sheet";
import { showMoment } from "@/i18n/formats";

import { useUsers } from "./api";
import { Part } from "./Part";
import { UserDrawer } from "./UserDrawer";
import type { User } from "./api";

/** Everybody who may log in. */
export function Users() {
  const { t, i18n } = useTranslation("users");
  const asked = useUsers();
  const [open, setOpen] = useState<User | "new" | null>(null);
  const [sorting, setSorting] = useState<Sorting>({ key: "name", isDescending: false });
  const columns: Column<User>[] = [
    { key: "name", title: t("name"), by: (user) => user.name, cell: (user) => user.name },
    { key: "role", title: t("role"), by: (user) => user.role, cell: (user) => t(`role.${user.role}`) },
    {
      key: "seen",
      title: t("seen"),
      by: (user) => user.seen_us,
      cell: (user) => (user.seen_us ? showMoment(user.seen_us, i18n.language) : t("never")),
    },
    {
      key: "created",
      title: t("created"),
      by: (user) => user.created_us,
      cell: (user) => showMoment(user.created_us, i18n.language),
    },
  ];
  return (
    <Part
      title={t("users")}
      asked={asked}
      action={
        <Button leftSection={<IconPlus size={16} />} onClick={() => setOpen("new")}>
          {t("users.new")}
        </Button>
      }
    >
      {asked.data && (
        <Sheet
          label={t("users")}
          rows={sorted(asked.data, columns, sorting, i18n.language)}
          columns={columns}
          keyOf={(user) => user.name}
          sorting={sorting}
          onSort={setSorting}
          onOpen={setOpen}
        />
      )}
      <UserDrawer key={open === "new" ? "new" : open?.name} user={open} onClose={() => setOpen(null)} />
    </Part>
  );
}
