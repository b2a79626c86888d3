import "./texts";

import { ActionIcon, Button, Group, Loader, Text, Tooltip } from "@mantine/core";
import {
  IconEdit,
  IconEye,
  IconHeartbeat,
  IconLock,
  IconPlus,
  IconServer2,
  IconUpload,
} from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "wouter";

import { useMay } from "@/app/session";
import { Empty } from "@/components/Empty";
import { Failure } from "@/components/Failure";
import { PageHead } from "@/components/PageHead";
import { Sheet, sorted } from "@/components/Sheet";
import type { Column, Sorting } from "@/components/Sheet";
import { OurAddress } from "@/features/status/OurAddress";

import { askEcho, RIGHTS, ROLES, useNodes } from "./api";
import { EchoMark } from "./EchoMark";
import { NodeDrawer } from "./NodeDrawer";
import { NodeImport } from "./NodeImport";
import type { KnownNode } from "./api";

/** The address book: who our neighbours are, what they may, and whether they answer. `?new` begins with a new one. */
export default function NodesPage() {
  const { t, i18n } = useTranslation("nodes");
  const { data: nodes, error, isPending, refetch } = useNodes();
  const mayEdit = useMay("admin");
  const queries = useQueryClient();
  const [params] = useSearchParams();
  const [open, setOpen] = useState<KnownNode | "new" | null>(mayEdit && params.has("new") ? "new" : null);
  const [isImporting, setImporting] = useState(false);
  const [sorting, setSorting] = useState<Sorting>({ key: "ae_title", isDescending: false });
  const columns = useColumns(mayEdit, setOpen);
  const echoAll = () => nodes?.forEach((node) => void askEcho(queries, node.ae_title));

  return (
    <>
      <PageHead title={t("title")}>
        {Boolean(nodes?.length) && (
          <Button variant="default" leftSection={<IconHeartbeat size={16} />} onClick={echoAll}>
            {t("echo-all")}
          </Button>
        )}
        {mayEdit && (
          <>
            <Button
              variant="default"
              leftSection={<IconUpload size={16} />}
              onClick={() => setImporting(true)}
            >
              {t("import")}
            </Button>
            <Button leftSection={<IconPlus size={16} />} onClick={() => setOpen("new")}>
              {t("new")}
            </Button>
          </>
        )}
      </PageHead>
      {isPending && <Loader size="sm" />}
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {nodes?.length === 0 && (
        <Empty icon={IconServer2} title={t("empty")}>
          {t("empty.how")}
          <OurAddress services={["storage"]} />
        </Empty>
      )}
      {nodes && nodes.length > 0 && (
        <Sheet
          label={t("title")}
          rows={sorted(nodes, columns, sorting, i18n.language)}
          columns={columns}
          keyOf={(node) => node.ae_title}
          sorting={sorting}
          onSort={setSorting}
          onOpen={setOpen}
        />
      )}
      <NodeDrawer
        key={open === "new" ? "new" : (open?.ae_title ?? "")}
        node={open}
        onClose={() => setOpen(null)}
      />
      <NodeImport opened={isImporting} onClose={() => setImporting(false)} />
    </>
  );
}

function useColumns(mayEdit: boolean, onOpen: (node: KnownNode) => void): Column<KnownNode>[] {
  const { t } = useTranslation("nodes");
  return [
    {
      key: "ae_title",
      title: t("ae-title"),
      by: (node) => node.ae_title,
      cell: (node) => (
        <>
          <Group gap={6} wrap="nowrap">
            <Text span ff="monospace" fw={600} size="sm">
              {node.ae_title}
            </Text>
            {node.read_only && (
              <Tooltip label={t("from-settings")}>
                <IconLock size={14} aria-label={t("from-settings")} />
              </Tooltip>
            )}
          </Group>
          {node.note && (
            <Text size="xs" c="dimmed" lineClamp={1}>
              {node.note}
            </Text>
          )}
        </>
      ),
    },
    {
      key: "where",
      title: t("where"),
      by: (node) => node.host,
      cell: (node) => (
        <Text span size="sm" ff="monospace">
          {node.host}:{node.port}
          {node.tls && " · TLS"}
        </Text>
      ),
    },
    {
      key: "serves",
      title: t("serves"),
      cell: (node) => named(node.roles, ROLES, t("all"), t("nothing"), (role) => t(`role.${role}`)),
    },
    {
      key: "may",
      title: t("may"),
      cell: (node) =>
        named(node.permissions.rights, RIGHTS, t("all"), t("nothing"), (right) => t(`right.${right}`)),
    },
    {
      key: "answer",
      title: t("answer"),
      kind: "whole",
      cell: (node) => <EchoMark aeTitle={node.ae_title} />,
    },
    {
      key: "actions",
      title: "",
      kind: "menu",
      cell: (node) => (
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={t(mayEdit && !node.read_only ? "edit.of" : "look.of", { name: node.ae_title })}
          onClick={() => onOpen(node)}
        >
          {mayEdit && !node.read_only ? (
            <IconEdit size={16} stroke={1.7} />
          ) : (
            <IconEye size={16} stroke={1.7} />
          )}
        </ActionIcon>
      ),
    },
  ];
}

function named<Name extends string>(
  has: readonly Name[],
  every: readonly Name[],
  all: string,
  nothing: string,
  word: (name: Name) => string,
): string {
  if (has.length === every.length) return all;
  return (
    every
      .filter((name) => has.includes(name))
      .map(word)
      .join(", ") || nothing
  );
}
