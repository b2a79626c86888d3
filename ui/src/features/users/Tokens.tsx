import { ActionIcon, Badge, Button, Group, Text } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { askToDelete } from "@/components/DeleteButton";
import { Sheet } from "@/components/Sheet";
import { tellFailure } from "@/components/tellFailure";
import type { Column } from "@/components/Sheet";
import { showMoment } from "@/i18n/formats";

import { useDeleteToken, useTokens } from "./api";
import { Part } from "./Part";
import { TokenDialog } from "./TokenDialog";
import type { Token } from "./api";

/** What programs come in by. */
export function Tokens({ everybody }: { everybody: boolean }) {
  const { t } = useTranslation("users");
  const asked = useTokens(everybody);
  const [isMaking, setMaking] = useState(false);
  const columns = useColumns(everybody);
  return (
    <Part
      title={t("tokens")}
      hint={t("tokens.why")}
      asked={asked}
      action={
        <Button variant="default" leftSection={<IconPlus size={16} />} onClick={() => setMaking(true)}>
          {t("tokens.new")}
        </Button>
      }
    >
      {asked.data?.length === 0 && (
        <Text size="sm" c="dimmed">
          {t("tokens.none")}
        </Text>
      )}
      {asked.data && asked.data.length > 0 && (
        <Sheet label={t("tokens")} rows={asked.data} columns={columns} keyOf={(token) => String(token.id)} />
      )}
      <TokenDialog opened={isMaking} onClose={() => setMaking(false)} />
    </Part>
  );
}

function useColumns(everybody: boolean): Column<Token>[] {
  const { t, i18n } = useTranslation("users");
  const deleting = useDeleteToken();
  const remove = (token: Token) =>
    askToDelete(t, {
      title: t("token.delete", { name: token.label }),
      why: t("token.delete.why"),
      onConfirm: () => deleting.mutate(token.id, { onError: tellFailure }),
    });
  return [
    { key: "label", title: t("label"), cell: (token) => token.label },
    ...(everybody ? [{ key: "user", title: t("user"), cell: (token: Token) => token.user }] : []),
    {
      key: "scopes",
      title: t("scopes"),
      cell: (token) => (
        <Group gap={4}>
          {token.scopes.map((scope) => (
            <Badge key={scope} variant="default" size="sm">
              {t(`scope.${scope}`)}
            </Badge>
          ))}
        </Group>
      ),
    },
    { key: "expires", title: t("expires"), cell: (token) => showMoment(token.expires_us, i18n.language) },
    {
      key: "used",
      title: t("used"),
      cell: (token) => (token.used_us ? showMoment(token.used_us, i18n.language) : t("never")),
    },
    {
      key: "actions",
      title: t("actions"),
      kind: "actions",
      cell: (token) => (
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={t("token.delete", { name: token.label })}
          onClick={() => remove(token)}
        >
          <IconTrash size={16} />
        </ActionIcon>
      ),
    },
  ];
}
