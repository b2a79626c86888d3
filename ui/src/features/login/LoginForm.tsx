import "./texts";

import { Alert, Button, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Problem } from "@/api/client";
import { useSession } from "@/app/session";

/** User and password. With `user` given, a session that has ended is taken up again. */
export function LoginForm({ user = "" }: { user?: string }) {
  const { t } = useTranslation("login");
  const { login } = useSession();
  const [said, setSaid] = useState("");
  const [isBusy, setBusy] = useState(false);
  const form = useForm({ initialValues: { user, password: "" } });

  const enter = async (values: typeof form.values) => {
    setBusy(true);
    try {
      await login(values.user, values.password);
      setSaid("");
    } catch (error) {
      setSaid(error instanceof Problem && error.status !== 401 ? error.message : t("wrong"));
      form.setFieldValue("password", "");
    } finally {
      setBusy(false);
    }
  };

  return (
    <form onSubmit={form.onSubmit((values) => void enter(values))}>
      <Stack gap="md">
        {user && <Text size="sm">{t("again")}</Text>}
        {said && (
          <Alert color="red" role="alert" variant="light">
            {said}
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
