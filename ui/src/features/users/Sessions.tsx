import { Button, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { Sheet } from "@/components/Sheet";
import type { Column } from "@/components/Sheet";
import { tellFailure } from "@/components/tellFailure";
import { showMoment } from "@/i18n/formats";

import { useEndSession, useSessions } from "./api";
import { browserOf } from "./browserOf";
import { Part } from "./Part";
import type { SessionEntry } from "./api";

/** Where people are logged in, and ending that. */
export function Sessions({ everybody }: { everybody: boolean }) {
  const { t, i18n } = useTranslation("users");
  const asked = useSessions(everybody);
  const ending = useEndSession();
  const columns: Column<SessionEntry>[] = [
    { key: "user", title: t("user"), cell: (session) => session.user },
    { key: "address", title: t("address"), cell: (session) => session.address },
    {
      key: "client",
      title: t("client"),
      cell: (session) => (
        <Text span size="sm" lineClamp={1} title={session.client}>
          {browserOf(session.client)}
        </Text>
      ),
    },
    { key: "seen", title: t("seen.last"), cell: (session) => showMoment(session.seen_us, i18n.language) },
    {
      key: "actions",
      title: t("actions"),
      kind: "actions",
      cell: (session) =>
        session.is_current ? (
          t("session.here")
        ) : (
          <Button
            size="compact-sm"
            variant="subtle"
            onClick={() => ending.mutate(session.id, { onError: tellFailure })}
          >
            {t("session.end")}
          </Button>
        ),
    },
  ];
  return (
    <Part
      title={t("sessions")}
      asked={asked}
      action={
        <Button variant="default" onClick={() => ending.mutate("others", { onError: tellFailure })}>
          {t("sessions.others")}
        </Button>
      }
    >
      {asked.data && (
        <Sheet
          label={t("sessions")}
          rows={asked.data}
          columns={columns}
          keyOf={(session) => String(session.id)}
        />
      )}
    </Part>
  );
}
