import "./texts";

import { Stack } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { useMay } from "@/app/session";
import { PageHead } from "@/components/PageHead";

import { Sessions } from "./Sessions";
import { Tokens } from "./Tokens";
import { Users } from "./Users";

/** Who may come in, and by what: all of it for administrators, one's own tokens and sessions for everybody. */
export default function UsersPage() {
  const { t } = useTranslation("users");
  const isAdmin = useMay("admin");
  return (
    <>
      <PageHead title={t(isAdmin ? "title" : "own.title")} />
      <Stack gap="xl">
        {isAdmin && <Users />}
        <Tokens everybody={isAdmin} />
        <Sessions everybody={isAdmin} />
      </Stack>
    </>
  );
}
