import { Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { modals } from "@mantine/modals";
import type { UseMutationResult } from "@tanstack/react-query";
import { useState } from "react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { Failure } from "./Failure";

interface Props {
  /** How much goes. */
  what: string;
  /** What has to be typed, in small letters. */
  word: string;
  /** What the button says. */
  action: string;
  remove: Pick<UseMutationResult<void, Error, void>, "mutate" | "error" | "isPending">;
  /** What else is asked, before the word. */
  children?: ReactNode;
  /** How far it is, or what a failure asks in return. */
  below?: ReactNode;
}

/** Names how much goes, and wants a word typed: nobody deletes by a slip of the finger. */
export function TypedConfirm({ what, word, action, remove, children, below }: Props) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  const isSure = typed.trim().toLowerCase() === word;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (isSure) remove.mutate();
      }}
    >
      <Stack gap="md">
        <Text size="sm">{what}</Text>
        {children}
        <TextInput
          label={t("confirm.type", { word })}
          data-autofocus
          autoComplete="off"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        {remove.error && <Failure error={remove.error} />}
        {below}
        <Group justify="flex-end">
          <Button variant="default" onClick={() => modals.closeAll()}>
            {t("action.cancel")}
          </Button>
          <Button type="submit" color="red" disabled={!isSure} loading={remove.isPending}>
            {action}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
