import "./texts";

import { Button, Checkbox, Stack } from "@mantine/core";
import { IconServer2 } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import { Empty } from "@/components/Empty";
import { askEcho, useNodes } from "@/features/nodes/api";
import { NodePicker } from "@/features/nodes/NodePicker";

export interface Wishes {
  nodes: string[];
  commit: boolean;
  anonymise: boolean;
}

export const NO_WISHES: Wishes = { nodes: [], commit: false, anonymise: false };

/** Where to, and how. Every node that can receive is asked at once whether it is there. */
export function Destination({ wishes, onChange }: { wishes: Wishes; onChange: (wishes: Wishes) => void }) {
  const { t } = useTranslation("send");
  const { data } = useNodes();
  const queries = useQueryClient();
  const nodes = data?.filter((node) => node.roles.includes("store")) ?? [];
  const names = nodes.map((node) => node.ae_title).join("\n");
  useEffect(() => {
    for (const name of names.split("\n").filter(Boolean)) void askEcho(queries, name);
  }, [queries, names]);

  if (data && nodes.length === 0) {
    return (
      <Empty icon={IconServer2} title={t("no-nodes")}>
        {t("no-nodes.how")}
        <Button component={Link} href="/nodes" variant="default" mt="md">
          {t("to-nodes")}
        </Button>
      </Empty>
    );
  }
  const mayCommit =
    !wishes.anonymise &&
    nodes.every((node) => !wishes.nodes.includes(node.ae_title) || node.roles.includes("commitment"));
  return (
    <Stack gap="md">
      <NodePicker
        label={t("to")}
        nodes={nodes}
        chosen={wishes.nodes}
        onChoose={(chosen) => onChange({ ...wishes, nodes: chosen })}
      />
      <Stack gap="xs">
        <Checkbox
          size="sm"
          label={t("commit")}
          disabled={!mayCommit}
          checked={wishes.commit && mayCommit}
          onChange={(event) => onChange({ ...wishes, commit: event.currentTarget.checked })}
        />
        <Checkbox
          size="sm"
          label={t("anonymise")}
          checked={wishes.anonymise}
          onChange={(event) => onChange({ ...wishes, commit: false, anonymise: event.currentTarget.checked })}
        />
      </Stack>
    </Stack>
  );
}
