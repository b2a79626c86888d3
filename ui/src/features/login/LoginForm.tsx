import "./texts";

import { Alert, Button, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import type { TFunction } from "i18next";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Problem } from "@/api/client";
import { useSession } from "@/app/session";

/** User and password. With `user` given, a session that has ended is taken up again. */
export function LoginForm({ user = "" }: { user?: string }) {
  const { t } = useTranslation("login");
  const { login } = useSession();
  const [failed, setFailed] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const form = useForm({ initialValues: { user, password: "" } });

  const enter = async (values: typeof form.values) => {
    setBusy(true);
    try {
      await login(values.user, values.password);
      setFailed(null);
    } catch (error) {
      setFailed(error);
      // Who has noticed the mistake meanwhile has typed it anew.
      if (form.getValues().password === values.password) form.setFieldValue("password", "");
    } finally {
      setBusy(false);
    }
  };

  return (
    <form onSubmit={form.onSubmit((values) => void enter(values))}>
      <Stack gap="md">
        {user && <Text size="sm">{t("again")}</Text>}
        {failed !== null && (
          <Alert color="red" role="alert" variant="light">
            {whyOf(failed, t)}
          </Alert>
        )}
        <TextInput
          label={t("user")}
          required
          autoFocus={!user}
          autoComplete="username"
          {...form.getInputProps("user")}
        />
        <PasswordInput
          label={t("password")}
          required
          autoFocus={Boolean(user)}
          autoComplete="current-password"
          {...form.getInputProps("password")}
        />
        <Button type="submit" loading={isBusy}>
          {t("enter")}
        </Button>
      </Stack>
    </form>
  );
}

function whyOf(failed: unknown, t: TFunction<"login">): string {
  if (!(failed instanceof Problem) || failed.status === 401) return t("wrong");
  if (failed.status === 429 && failed.waitS) return t("slow", { count: failed.waitS });
  return failed.status === 0 ? t("state.lost", { ns: "app" }) : failed.message;
}
