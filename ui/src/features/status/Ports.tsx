import { Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { Sheet } from "@/components/Sheet";
import { StateMark } from "@/components/StateMark";
import { useNow } from "@/components/useNow";
import type { Column } from "@/components/Sheet";
import { showBytes, showCount, showDuration } from "@/i18n/formats";

import type { Listener, LiveAssociation, Status } from "./api";

/** Our ports: what they answer to, what they serve, and how much they did. */
export function Ports({ status }: { status: Status }) {
  const { t, i18n } = useTranslation("status");
  const count = (value: number) => showCount(value, i18n.language);
  const columns: Column<Listener>[] = [
    {
      key: "port",
      title: t("port"),
      cell: (each) => (
        <>
          <Text size="sm" ff="monospace" fw={600}>
            {each.port}
            {each.is_tls && " · TLS"}
          </Text>
          <Text size="xs" c="dimmed">
            {each.name}
          </Text>
        </>
      ),
    },
    {
      key: "state",
      title: "",
      kind: "tight",
      cell: (each) => (
        <StateMark state={each.is_open ? "good" : "bad"}>{t(each.is_open ? "open" : "closed")}</StateMark>
      ),
    },
    {
      key: "ae",
      title: t("ae-title"),
      cell: (each) => (
        <Text span size="sm" ff="monospace">
          {each.ae_titles.join(", ")}
        </Text>
      ),
    },
    {
      key: "services",
      title: t("services"),
      kind: "whole",
      cell: (each) => ["echo", ...each.services].map((service) => t(`service.${service}`)).join(", "),
    },
    {
      key: "connected",
      title: t("connected"),
      kind: "number",
      cell: (each) =>
        t("of-most", { count: count(each.associations.length), most: count(each.max_associations) }),
    },
    {
      key: "served",
      title: t("served"),
      kind: "number",
      cell: (each) => count(each.totals.associations),
    },
    {
      key: "turned",
      title: t("turned"),
      kind: "number",
      cell: (each) => count(each.totals.rejections),
    },
    {
      key: "bytes",
      title: t("bytes"),
      kind: "number",
      cell: ({ totals }) =>
        `${showBytes(totals.data_set_bytes_received, i18n.language)} / ${showBytes(totals.data_set_bytes_sent, i18n.language)}`,
    },
  ];
  return (
    <Sheet
      label={t("listeners")}
      rows={status.listeners}
      columns={columns}
      keyOf={(each) => `${each.name} ${each.port}`}
    />
  );
}

type Live = LiveAssociation & { port: number; number: number };

/** Who is connected at this moment. */
export function Connected({ status }: { status: Status }) {
  const { t, i18n } = useTranslation("status");
  const now = useNow();
  const rows: Live[] = status.listeners.flatMap((listener) =>
    listener.associations.map((each, number) => ({ ...each, port: listener.port, number })),
  );
  const columns: Column<Live>[] = [
    {
      key: "from",
      title: t("from"),
      cell: (each) => (
        <>
          <Text size="sm" ff="monospace" fw={600}>
            <bdi>{each.calling_ae_title}</bdi>
          </Text>
          <Text size="xs" c="dimmed">
            {each.peer_address}
          </Text>
        </>
      ),
    },
    {
      key: "called",
      title: t("called"),
      cell: (each) => (
        <Text span size="sm" ff="monospace">
          {each.called_ae_title} : {each.port}
        </Text>
      ),
    },
    {
      key: "since",
      title: t("since"),
      kind: "number",
      cell: (each) => showDuration(now / 1000 - each.since_us / 1e6, i18n.language),
    },
    {
      key: "messages",
      title: t("messages"),
      kind: "number",
      cell: (each) =>
        `${showCount(each.messages_received, i18n.language)} / ${showCount(each.messages_sent, i18n.language)}`,
    },
    {
      key: "bytes",
      title: t("bytes"),
      kind: "number",
      cell: (each) =>
        `${showBytes(each.data_set_bytes_received, i18n.language)} / ${showBytes(each.data_set_bytes_sent, i18n.language)}`,
    },
  ];
  return (
    <Sheet
      label={t("now")}
      rows={rows}
      columns={columns}
      keyOf={(each) => `${each.port} ${each.since_us} ${each.number}`}
    />
  );
}
