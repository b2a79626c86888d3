import { Button, Checkbox, Drawer, Group, PasswordInput, Radio, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { modals } from "@mantine/modals";
import { notifications } from "@mantine/notifications";
import { IconTrash } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { useSession } from "@/app/session";
import { Failure } from "@/components/Failure";

import { ROLES, useDeleteUser, useSaveUser } from "./api";
import type { User, UserForm } from "./api";

interface Props {
  user: User | "new" | null;
  onClose: () => void;
}

/** One user: role, password, the way out. */
export function UserDrawer({ user, onClose }: Props) {
  const { t } = useTranslation("users");
  const title = user === "new" ? t("users.new") : t("users.edit", { name: user?.name ?? "" });
  return (
    <Drawer opened={user !== null} onClose={onClose} title={title} position="right" size={420}>
      {user && <Fields user={user} onClose={onClose} />}
    </Drawer>
  );
}

function Fields({ user, onClose }: { user: User | "new"; onClose: () => void }) {
  const { t } = useTranslation("users");
  const { session } = useSession();
  const isNew = user === "new";
  const isSelf = !isNew && user.name === session?.user;
  const saving = useSaveUser(isNew);
  const deleting = useDeleteUser();
  const form = useForm<UserForm>({
    initialValues: {
      name: isNew ? "" : user.name,
      role: isNew ? "viewer" : user.role,
      password: "",
      must_change_password: !isSelf,
    },
  });

  const save = (values: UserForm) =>
    saving.mutate(values, {
      onSuccess: () => {
        notifications.show({ message: t("saved", { name: values.name }) });
        onClose();
      },
    });
  const remove = (name: string) =>
    modals.openConfirmModal({
      title: t("delete.ask", { name }),
      children: <Text size="sm">{t("delete.why")}</Text>,
      labels: { confirm: t("action.delete", { ns: "app" }), cancel: t("action.cancel", { ns: "app" }) },
      confirmProps: { color: "red" },
      onConfirm: () => deleting.mutate(name, { onSuccess: onClose }),
    });

  return (
    <form onSubmit={form.onSubmit(save)}>
      <Stack>
        {(saving.error ?? deleting.error) && <Failure error={saving.error ?? deleting.error} />}
        {isNew && <TextInput label={t("name")} required autoComplete="off" {...form.getInputProps("name")} />}
        <Radio.Group label={t("role")} {...form.getInputProps("role")}>
          <Stack gap="xs" mt={4}>
            {ROLES.map((role) => (
              <Radio
                key={role}
                value={role}
                label={t(`role.${role}`)}
                description={t(`role.${role}.may`)}
                size="sm"
              />
            ))}
          </Stack>
        </Radio.Group>
        <PasswordInput
          label={t(isNew ? "password" : "password.new")}
          required={isNew}
          description={isNew ? undefined : t("password.keep")}
          autoComplete="new-password"
          {...form.getInputProps("password")}
        />
        <Checkbox
          label={t("password.must")}
          size="sm"
          {...form.getInputProps("must_change_password", { type: "checkbox" })}
        />
        <Group justify="space-between" mt="sm">
          {isNew || isSelf ? (
            <span />
          ) : (
            <Button
              variant="subtle"
              color="red"
              leftSection={<IconTrash size={16} />}
              onClick={() => remove(user.name)}
            >
              {t("action.delete", { ns: "app" })}
            </Button>
          )}
          <Button type="submit" loading={saving.isPending}>
            {t("action.save", { ns: "app" })}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
