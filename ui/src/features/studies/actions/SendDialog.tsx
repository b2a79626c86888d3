import { Button, Checkbox, Group, Select, Stack, Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery } from "@tanstack/react-query";
import i18next from "i18next";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { ask } from "@/api/client";
import { Failure } from "@/components/Failure";

import type { Study } from "../api";

interface Node {
  ae_title: string;
  host: string;
  port: number;
  note: string;
  roles: readonly string[];
}

export function askSend(studies: readonly Study[]): void {
  modals.open({
    title: i18next.t("send.title", { ns: "studies", count: studies.length }),
    children: <SendDialog studies={studies} />,
  });
}

function SendDialog({ studies }: { studies: readonly Study[] }) {
  const { t } = useTranslation("studies");
  const [node, setNode] = useState<string | null>(null);
  const [commits, setCommits] = useState(false);
  const [isAnonymous, setAnonymous] = useState(false);
  const nodes = useQuery({ queryKey: ["nodes"], queryFn: () => ask<Node[]>("api/nodes") });
  const send = useMutation({
    mutationFn: (aeTitle: string) =>
      ask(`api/nodes/${encodeURIComponent(aeTitle)}/send`, {
        method: "POST",
        json: {
          studies: studies.map((study) => study.StudyInstanceUID),
          commit: commits,
          ...(isAnonymous ? { anonymise: {} } : {}),
        },
      }),
    onSuccess: () => {
      notifications.show({ title: t("send.done"), message: t("send.jobs") });
      modals.closeAll();
    },
  });
  const storing = (nodes.data ?? []).filter((each) => each.roles.includes("store"));
  return (
    <Stack gap="md">
      {nodes.error && <Failure error={nodes.error} onRetry={() => void nodes.refetch()} />}
      {nodes.isSuccess && storing.length === 0 && <Text size="sm">{t("send.no-nodes")}</Text>}
      <Select
        label={t("send.node")}
        searchable
        data-autofocus
        data={storing.map(({ ae_title, host, port, note }) => ({
          value: ae_title,
          label: `${ae_title} — ${note || `${host}:${port}`}`,
        }))}
        value={node}
        onChange={setNode}
      />
      <Checkbox
        label={t("send.commit")}
        checked={commits}
        onChange={(event) => setCommits(event.currentTarget.checked)}
      />
      <Checkbox
        label={t("send.anonymise")}
        checked={isAnonymous}
        onChange={(event) => setAnonymous(event.currentTarget.checked)}
      />
      {send.error && <Failure error={send.error} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={() => modals.closeAll()}>
          {t("action.cancel", { ns: "app" })}
        </Button>
        <Button disabled={!node} loading={send.isPending} onClick={() => node && send.mutate(node)}>
          {t("send.go")}
        </Button>
      </Group>
    </Stack>
  );
}
