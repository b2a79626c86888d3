import "./texts";

import { Button, Grid, Loader, SegmentedControl, Stack, Text } from "@mantine/core";
import { IconCalendarEvent, IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "wouter";

import { useMay } from "@/app/session";
import { Empty } from "@/components/Empty";
import { Failure } from "@/components/Failure";
import { PageHead } from "@/components/PageHead";
import { OurAddress } from "@/features/status/OurAddress";

import { Askers } from "./Askers";
import { stepsOf, text, useEntries } from "./api";
import { dayOf } from "./days";
import { EntryTable } from "./EntryTable";
import { Filters } from "./Filters";
import { ItemDrawer } from "./ItemDrawer";
import { Stations } from "./Stations";
import type { Entry } from "./api";
import type { Editing } from "./EntryMenu";

/** What is planned, for a day or all days, as a list or station by station. What is shown stands in the address. */
export default function WorklistPage() {
  const { t } = useTranslation("worklist");
  const [params, setParams] = useSearchParams();
  const today = dayOf(new Date());
  const asked = params.get("day") ?? today;
  const day = asked === "any" ? "" : asked;
  const view = params.get("view") ?? "list";
  const { data, error, isPending, refetch } = useEntries(day);
  const [editing, setEditing] = useState<Editing | null>(null);
  const mayEdit = useMay("operator");
  const set = (changes: Record<string, string>) =>
    setParams(
      (before) => {
        const next = new URLSearchParams(before);
        for (const [name, value] of Object.entries(changes))
          if (value) next.set(name, value);
          else next.delete(name);
        return next;
      },
      { replace: true },
    );
  const all = data?.entries ?? [];
  const shown = all.filter((entry) => isShown(entry, params));

  return (
    <>
      <PageHead
        title={t("title")}
        aside={
          <SegmentedControl
            size="xs"
            aria-label={t("view")}
            value={view}
            onChange={(value) => set({ view: value })}
            data={["list", "stations"].map((value) => ({ value, label: t(`view.${value}`) }))}
          />
        }
      >
        {mayEdit && (
          <Button leftSection={<IconPlus size={16} />} onClick={() => setEditing({ id: null, mode: "new" })}>
            {t("new")}
          </Button>
        )}
      </PageHead>
      <Grid gap="md">
        <Grid.Col span={{ base: 12, lg: 9.5 }}>
          <Stack gap="sm">
            <Filters params={params} day={day} today={today} entries={all} onChange={set} />
            {isPending && <Loader size="sm" />}
            {error && <Failure error={error} onRetry={() => void refetch()} />}
            {data && all.length === 0 && (
              <Empty icon={IconCalendarEvent} title={t(day ? "empty.day" : "empty")}>
                {t("empty.how")}
                <OurAddress services={["worklist"]} />
              </Empty>
            )}
            {data && all.length < data.total && (
              <Text size="sm" c="dimmed" role="status">
                {t("first", { count: all.length })}
              </Text>
            )}
            {all.length > 0 && shown.length === 0 && <Text c="dimmed">{t("empty.filter")}</Text>}
            {shown.length > 0 &&
              (view === "stations" ? (
                <Stations entries={shown} onEdit={setEditing} />
              ) : (
                <EntryTable entries={shown} withDate={!day} onEdit={setEditing} />
              ))}
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 2.5 }}>
          <Askers />
        </Grid.Col>
      </Grid>
      <ItemDrawer editing={editing} day={day || today} onClose={() => setEditing(null)} />
    </>
  );
}

function isShown(entry: Entry, params: URLSearchParams): boolean {
  const [step] = stepsOf(entry.item);
  const station = params.get("station");
  const modality = params.get("modality");
  const status = params.get("status");
  const words = (params.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const said = [
    text(entry.item, "PatientName").replaceAll("^", " "),
    text(entry.item, "PatientName").replaceAll("^", ""),
    text(entry.item, "PatientID"),
    text(entry.item, "AccessionNumber"),
    text(entry.item, "RequestedProcedureDescription"),
    text(step, "ScheduledProcedureStepDescription"),
  ]
    .join("\n")
    .toLowerCase();
  return (
    (!station || text(step, "ScheduledStationAETitle").split("\\").includes(station)) &&
    (!modality || text(step, "Modality") === modality) &&
    (!status || entry.status === status) &&
    words.every((word) => said.includes(word))
  );
}
