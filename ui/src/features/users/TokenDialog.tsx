import { Button, Checkbox, Code, Group, Modal, NumberInput, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useTranslation } from "react-i18next";

import { Copying } from "@/components/Copying";
import { Failure } from "@/components/Failure";

import { SCOPES, useMakeToken } from "./api";

/** Makes a token, and shows it once. */
export function TokenDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation("users");
  const making = useMakeToken();
  const form = useForm({
    initialValues: { label: "", scopes: ["read"] as (typeof SCOPES)[number][], days: 90 },
  });
  const close = () => {
    onClose();
    making.reset();
    form.reset();
  };
  return (
    <Modal opened={opened} onClose={close} title={t("tokens.new")} centered>
      {making.data ? (
        <Made token={making.data.token} onClose={close} />
      ) : (
        <form onSubmit={form.onSubmit((values) => making.mutate(values))}>
          <Stack>
            {making.error && <Failure error={making.error} />}
            <TextInput label={t("label")} required {...form.getInputProps("label")} />
            <Checkbox.Group label={t("scopes")} {...form.getInputProps("scopes")}>
              <Group gap="md" mt={4}>
                {SCOPES.map((scope) => (
                  <Checkbox key={scope} value={scope} label={t(`scope.${scope}`)} size="sm" />
                ))}
              </Group>
            </Checkbox.Group>
            <NumberInput label={t("days")} min={1} max={3650} required {...form.getInputProps("days")} />
            <Group justify="flex-end">
              <Button type="submit" loading={making.isPending} disabled={form.values.scopes.length === 0}>
                {t("action.create", { ns: "app" })}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}

function Made({ token, onClose }: { token: string; onClose: () => void }) {
  const { t } = useTranslation("users");
  return (
    <Stack>
      <Text size="sm" role="status">
        {t("token.made")}
      </Text>
      <Code block>{token}</Code>
      <Group justify="flex-end">
        <Copying value={token}>
          {({ copied, copy }) => (
            <Button variant="default" onClick={copy}>
              {t(copied ? "copied" : "copy")}
            </Button>
          )}
        </Copying>
        <Button onClick={onClose}>{t("action.close", { ns: "app" })}</Button>
      </Group>
    </Stack>
  );
}
