import "./texts";

import { Alert, Button, Paper, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { notifications } from "@mantine/notifications";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";

import { ask, Problem } from "@/api/client";
import { useSession } from "@/app/session";

/** A password of one's own; the first thing that whoever got one must do. */
export default function PasswordPage() {
  const { t } = useTranslation("login");
  const { session, refresh } = useSession();
  const [location, go] = useLocation();
  const [said, setSaid] = useState("");
  const form = useForm({
    initialValues: { current: "", chosen: "", repeated: "" },
    validate: { repeated: (value, all) => (value === all.chosen ? null : t("differs")) },
  });

  const change = async ({ current, chosen }: typeof form.values) => {
    try {
      await ask("api/session/password", { method: "PUT", json: { current, new: chosen } });
      notifications.show({ message: t("changed") });
      await refresh();
      // Whoever had to change it was on the way to somewhere else, and is there now.
      if (location === "/password") go("/");
    } catch (error) {
      setSaid(error instanceof Problem ? error.message : String(error));
    }
  };

  return (
    <Paper maw={380} p="lg" withBorder>
      <form onSubmit={form.onSubmit((values) => void change(values))}>
        <Stack gap="md">
          <Title order={1}>{t("change")}</Title>
          {session?.must_change_password && <Text size="sm">{t("change.must")}</Text>}
          {said && (
            <Alert color="red" role="alert" variant="light">
              {said}
            </Alert>
          )}
          <PasswordInput
            label={t("current")}
            required
            autoComplete="current-password"
            {...form.getInputProps("current")}
          />
          <PasswordInput
            label={t("new")}
            description={t("new.how")}
            required
            autoComplete="new-password"
            {...form.getInputProps("chosen")}
          />
          <PasswordInput
            label={t("repeat")}
            required
            autoComplete="new-password"
            {...form.getInputProps("repeated")}
          />
          <Button type="submit">{t("action.save", { ns: "app" })}</Button>
        </Stack>
      </form>
    </Paper>
  );
}
