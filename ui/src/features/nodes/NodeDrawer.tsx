import { Group, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { notifications } from "@mantine/notifications";
import { IconLock } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { useMay } from "@/app/session";
import { DeleteButton } from "@/components/DeleteButton";
import { DrawerForm, FormDrawer } from "@/components/FormDrawer";

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
    <FormDrawer opened={node !== null} onClose={onClose} title={title} size={480}>
      {node && <NodeForm node={node} onClose={onClose} />}
    </FormDrawer>
  );
}

function NodeForm({ node, onClose }: { node: KnownNode | "new"; onClose: () => void }) {
  const { t } = useTranslation("nodes");
  const isNew = node === "new";
  const isReadOnly = !useMay("admin") || (!isNew && node.read_only);
  const form = useForm<Node>({ initialValues: isNew ? emptyNode() : plain(node) });
  const saving = useSaveNode(isNew);
  const deleting = useDeleteNode();
  const tell = (said: "saved" | "deleted", name: string) => ({
    onSuccess: () => {
      notifications.show({ message: t(said, { name }) });
      onClose();
    },
  });

  return (
    <DrawerForm
      onSubmit={form.onSubmit((values) => saving.mutate(values, tell("saved", values.ae_title)))}
      isBusy={saving.isPending}
      failed={saving.error ?? deleting.error}
      isReadOnly={isReadOnly}
      besides={
        !isNew && (
          <DeleteButton
            title={t("delete.ask", { name: node.ae_title })}
            why={t("delete.why")}
            onConfirm={() => deleting.mutate(node.ae_title, tell("deleted", node.ae_title))}
          />
        )
      }
    >
      {isReadOnly && !isNew && node.read_only && (
        <Group gap={6} c="dimmed">
          <IconLock size={15} />
          <Text size="sm">{t("from-settings")}</Text>
        </Group>
      )}
      {!isNew && <EchoMark aeTitle={node.ae_title} />}
      <NodeFields form={form} isNew={isNew} isReadOnly={isReadOnly} />
    </DrawerForm>
  );
}

function plain(known: KnownNode): Node {
  const node: Partial<KnownNode> & Node = structuredClone(known);
  delete node.read_only;
  return node;
}
