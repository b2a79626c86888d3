/** The worklist: scheduled steps as the list shows them, items as the form does. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { ask } from "@/api/client";
import { tellFailure } from "@/components/tellFailure";
import { useNodes } from "@/features/nodes/api";
import type { Schemas } from "@/api/call";

export const STATUSES = ["scheduled", "arrived", "started", "completed", "discontinued"] as const;
export type StepStatus = (typeof STATUSES)[number];

/** DICOM keywords and text; sequences are lists of the same. */
// eslint-disable-next-line @typescript-eslint/consistent-indexed-object-style -- a record cannot hold itself
export interface Attributes {
  [keyword: string]: string | Attributes[] | undefined;
}

export const STEPS = "ScheduledProcedureStepSequence";

export interface Entry {
  id: string;
  step: string;
  status: StepStatus;
  item: Attributes;
}

export interface Item {
  id: string;
  item: Attributes;
}

export type Asker = Schemas["Asker"];

const KEY = ["worklist"];
const MOST = 1000;
const REFRESH_MS = 10_000;
/** What the page asks again and again keeps no session alive. */
const BY_ITSELF = { "X-Background": "1" };

/** Return the steps of a day (YYYYMMDD), of all days without one. */
export function useEntries(day: string) {
  return useQuery({
    queryKey: [...KEY, "entries", day],
    queryFn: () =>
      ask<{ entries: Entry[]; total: number; total_is_at_least: boolean }>("api/worklist", {
        query: { date: day, limit: MOST },
        headers: BY_ITSELF,
      }),
    refetchInterval: REFRESH_MS,
    placeholderData: (before) => before,
  });
}

export function useItem(id: string | null) {
  return useQuery({
    queryKey: [...KEY, "item", id],
    queryFn: () => ask<Item>(`api/worklist/${id ?? ""}`),
    enabled: id !== null,
    staleTime: 0,
  });
}

export function useAskers() {
  return useQuery({
    queryKey: [...KEY, "askers"],
    queryFn: () => ask<Asker[]>("api/worklist/askers", { headers: BY_ITSELF }),
    refetchInterval: REFRESH_MS,
  });
}

/** Return the AE titles that a step may well be for: who asked lately, and the nodes that may. */
export function useStations(): string[] {
  const { data: askers = [] } = useAskers();
  const { data: nodes = [] } = useNodes();
  const asking = nodes.filter((node) => node.permissions.rights.includes("worklist"));
  const names = [...askers.map((asker) => asker.calling_ae_title), ...asking.map((node) => node.ae_title)];
  return [...new Set(names)].sort();
}

function useChange<Given>(change: (given: Given) => Promise<unknown>, onError?: (error: Error) => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: change,
    ...(onError ? { onError } : {}),
    onSuccess: () => queries.invalidateQueries({ queryKey: KEY }),
  });
}

/** Keep a new item, with numbers where it has none, or put one in the place of the item `id`. */
export function useSave(id: string | null) {
  return useChange((item: Attributes) =>
    id === null
      ? ask("api/worklist", {
          method: "POST",
          json: item,
          query: { number: ["AccessionNumber", "PatientID"] },
        })
      : ask(`api/worklist/${id}`, { method: "PUT", json: item }),
  );
}

export function useMove() {
  return useChange(
    ({ id, step, status }: { id: string; step: string; status: StepStatus }) =>
      ask(`api/worklist/${id}/status`, { method: "POST", json: { status, steps: [step] } }),
    tellFailure,
  );
}

export function useRemove() {
  return useChange((id: string) => ask(`api/worklist/${id}`, { method: "DELETE" }), tellFailure);
}

/** Return the text of an attribute, empty when it has none. */
export function text(attributes: Attributes | undefined, keyword: string): string {
  const value = attributes?.[keyword];
  return typeof value === "string" ? value : "";
}

/** Return the steps of an item, or the one step of an entry. */
export function stepsOf(attributes: Attributes): Attributes[] {
  const steps = attributes[STEPS];
  return Array.isArray(steps) ? steps : [];
}

/** What belongs to one examination only: a copy is another one. */
const OWN = [
  "StudyInstanceUID",
  "RequestedProcedureID",
  "AccessionNumber",
  "PlacerOrderNumberImagingServiceRequest",
  "FillerOrderNumberImagingServiceRequest",
];
const OWN_OF_STEP = ["ScheduledProcedureStepID", "ScheduledProcedureStepStatus"];

/** Return a copy of an item without what names it, to be scheduled as another. */
export function cloned(item: Attributes): Attributes {
  const steps = stepsOf(item).map((step) => without(step, OWN_OF_STEP));
  return { ...without(item, OWN), [STEPS]: steps };
}

function without(attributes: Attributes, names: readonly string[]): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([keyword]) => !names.includes(keyword)));
}
