import { Checkbox, PasswordInput, Radio, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { notifications } from "@mantine/notifications";
import { useTranslation } from "react-i18next";

import { useSession } from "@/app/session";
import { DeleteButton } from "@/components/DeleteButton";
import { DrawerForm, FormDrawer } from "@/components/FormDrawer";

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
    <FormDrawer opened={user !== null} onClose={onClose} title={title} size={420}>
      {user && <Fields user={user} onClose={onClose} />}
    </FormDrawer>
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

  return (
    <DrawerForm
      onSubmit={form.onSubmit(save)}
      isBusy={saving.isPending}
      failed={saving.error ?? deleting.error}
      besides={
        !isNew &&
        !isSelf && (
          <DeleteButton
            title={t("delete.ask", { name: user.name })}
            why={t("delete.why")}
            onConfirm={() => deleting.mutate(user.name, { onSuccess: onClose })}
          />
        )
      }
    >
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
    </DrawerForm>
  );
}
