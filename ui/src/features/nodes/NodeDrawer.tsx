import { Button, Drawer, Group, Stack, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { modals } from "@mantine/modals";
import { notifications } from "@mantine/notifications";
import { IconLock, IconTrash } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { useMay } from "@/app/session";
import { Failure } from "@/components/Failure";

import { emptyNode, useDeleteNode, useSaveNode } from "./api";
import { EchoMark } from "./EchoMark";
import { NodeFields } from "./NodeFields";
import type { KnownNode, Node } from "./api";

interface Props {
  node: KnownNode | "new" | null;
  onClose: () => void;
}

/** One node with all that can be said of it; those of the settings file are shown only. */
export function NodeDrawer({ node, onClose }: Props) {
  const { t } = useTranslation("nodes");
  const title = node === "new" ? t("new") : t("edit", { name: node?.ae_title ?? "" });
  return (
    <Drawer opened={node !== null} onClose={onClose} title={title} position="right" size={480}>
      {node && <NodeForm node={node} onClose={onClose} />}
    </Drawer>
  );
}

function NodeForm({ node, onClose }: { node: KnownNode | "new"; onClose: () => void }) {
  const { t } = useTranslation("nodes");
  const isNew = node === "new";
  const isReadOnly = !useMay("admin") || (!isNew && node.read_only);
  const form = useForm<Node>({ initialValues: isNew ? emptyNode() : plain(node) });
  const saving = useSaveNode(isNew);
  const deleting = useDeleteNode();

  const save = (values: Node) =>
    saving.mutate(values, {
      onSuccess: () => {
        notifications.show({ message: t("saved", { name: values.ae_title }) });
        onClose();
      },
    });
  const remove = (name: string) =>
    modals.openConfirmModal({
      title: t("delete.ask", { name }),
      children: <Text size="sm">{t("delete.why")}</Text>,
      labels: { confirm: t("action.delete", { ns: "app" }), cancel: t("action.cancel", { ns: "app" }) },
      confirmProps: { color: "red" },
      onConfirm: () =>
        deleting.mutate(name, {
          onSuccess: () => {
            notifications.show({ message: t("deleted", { name }) });
            onClose();
          },
        }),
    });

  return (
    <form onSubmit={form.onSubmit(save)}>
      <Stack gap="md">
        {isReadOnly && !isNew && node.read_only && (
          <Group gap={6} c="dimmed">
            <IconLock size={15} />
            <Text size="sm">{t("from-settings")}</Text>
          </Group>
        )}
        {!isNew && <EchoMark aeTitle={node.ae_title} />}
        <NodeFields form={form} isNew={isNew} isReadOnly={isReadOnly} />
        {(saving.error ?? deleting.error) && <Failure error={saving.error ?? deleting.error} />}
        {!isReadOnly && (
          <Group justify="space-between">
            {isNew ? (
              <span />
            ) : (
              <Button
                variant="subtle"
                color="red"
                leftSection={<IconTrash size={15} />}
                onClick={() => remove(node.ae_title)}
              >
                {t("action.delete", { ns: "app" })}
              </Button>
            )}
            <Button type="submit" loading={saving.isPending}>
              {t("action.save", { ns: "app" })}
            </Button>
          </Group>
        )}
      </Stack>
    </form>
  );
}

function plain(known: KnownNode): Node {
  const node: Partial<KnownNode> & Node = structuredClone(known);
  delete node.read_only;
  return node;
}
