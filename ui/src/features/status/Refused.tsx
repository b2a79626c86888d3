import { Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { useMay } from "@/app/session";
import { Failure } from "@/components/Failure";
import { Sheet } from "@/components/Sheet";
import { StateMark } from "@/components/StateMark";
import type { Column } from "@/components/Sheet";
import { showMoment } from "@/i18n/formats";
import { worded } from "@/i18n/said";

import { AdmitButton } from "./AdmitButton";
import { useRefusals, useRejections } from "./api";
import type { Refusal, Rejection } from "./api";

/** Services that were refused to callers, each to be admitted in one step. */
export function RefusedServices() {
  const { t, i18n } = useTranslation("status");
  const { data = [], error } = useRefusals(useMay("operator"));
  const columns: Column<Refusal>[] = [
    {
      key: "who",
      title: t("who"),
      cell: (refusal) => <Caller name={refusal.calling_ae_title} address={refusal.address} />,
    },
    {
      key: "why",
      title: t("why"),
      cell: (refusal) => (
        <>
          <StateMark state="warning">
            {refusal.destination
              ? t("refused.to", { destination: refusal.destination })
              : t(`service.${refusal.right === "store" ? "storage" : refusal.right}`)}
          </StateMark>
          <Text size="xs" c="dimmed">
            {t(refusal.known ? "refused.known" : "refused.stranger")}
          </Text>
        </>
      ),
    },
    {
      key: "when",
      title: t("when"),
      cell: (refusal) =>
        `${showMoment(refusal.last_us, i18n.language)} · ${t("times", { count: refusal.count })}`,
    },
    {
      key: "admit",
      title: "",
      kind: "actions",
      cell: (refusal) => <AdmitButton refusal={refusal} />,
    },
  ];
  if (error) return <Failure error={error} />;
  if (data.length === 0) return <Nothing text={t("refused.none")} />;
  return <Sheet label={t("refused")} rows={data} columns={columns} keyOf={(each) => String(each.id)} />;
}

const SHOWN = 20;

/** Associations that were turned away, with what would have to change. */
export function TurnedAway() {
  const { t, i18n } = useTranslation("status");
  const { data, error } = useRejections();
  const columns: Column<Rejection & { number: number }>[] = [
    {
      key: "who",
      title: t("who"),
      cell: (each) => (
        <Caller
          name={each.calling_ae_title ? `${each.calling_ae_title} → ${each.called_ae_title}` : ""}
          address={each.peer_address}
        />
      ),
    },
    {
      key: "why",
      title: t("why"),
      kind: "whole",
      cell: (each) => (
        <>
          <bdi>{worded(each.detail_said, each.detail)}</bdi>
          <Text size="xs" c="dimmed">
            {worded(each.result_said, each.result)}: {worded(each.reason_said, each.reason)}
          </Text>
        </>
      ),
    },
    { key: "when", title: t("when"), cell: (each) => showMoment(each.time_us, i18n.language) },
  ];
  if (error) return <Failure error={error} />;
  if (!data?.recent.length) return <Nothing text={t("rejected.none")} />;
  return (
    <Sheet
      label={t("rejected")}
      rows={data.recent.slice(0, SHOWN).map((each, number) => ({ ...each, number }))}
      columns={columns}
      keyOf={(each) => `${each.time_us} ${each.number}`}
    />
  );
}

function Caller({ name, address }: { name: string; address: string }) {
  return (
    <>
      <Text size="sm" ff="monospace" fw={600}>
        <bdi>{name}</bdi>
      </Text>
      <Text size="xs" c="dimmed">
        {address}
      </Text>
    </>
  );
}

function Nothing({ text }: { text: string }) {
  return (
    <Text size="sm" c="dimmed">
      {text}
    </Text>
  );
}
