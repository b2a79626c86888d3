/** What the study pages ask the server for, and the keys that the answers are kept under. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { ask } from "@/api/client";

import { ALSO, pageQueryOf } from "./address";
import { askedBy } from "./state";
import type { Filters } from "./state";

/** One study as the list has it: DICOM text by keyword; counts are numbers. */
export interface Study {
  StudyInstanceUID: string;
  PatientName?: string;
  PatientID?: string;
  PatientBirthDate?: string;
  PatientSex?: string;
  StudyDate?: string;
  StudyTime?: string;
  StudyDescription?: string;
  AccessionNumber?: string;
  ReferringPhysicianName?: string;
  StudyID?: string;
  ModalitiesInStudy?: readonly string[];
  NumberOfStudyRelatedSeries?: number;
  NumberOfStudyRelatedInstances?: number;
  labels?: readonly string[];
  remark?: string;
  /** It was there when the list was fetched. */
  isGone?: boolean;
}

export interface StudyPage {
  rows: readonly Study[];
  offset: number;
  total: number;
  total_is_at_least: boolean;
  /** What to hear events from, to miss nothing that the page does not have. */
  change: number | null;
}

export interface Label {
  label: string;
  studies: number;
}

/** Everything that is shown of studies stands below this key. */
export const STUDIES = ["studies"] as const;

/** One page of the list. */
export function pageQuery(filters: Filters, order: string, page: number) {
  return {
    queryKey: [...STUDIES, "page", filters, order, page],
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      ask<StudyPage>("api/studies", {
        query: pageQueryOf(filters, order, page),
        signal,
      }),
    staleTime: Infinity,
    refetchOnWindowFocus: false,
  };
}

/** How many studies there are in all; the page itself counts only so far. */
export function countQuery(filters: Filters) {
  return {
    queryKey: [...STUDIES, "count", filters],
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      ask<{ total: number }>("api/studies/count", { query: askedBy(filters, new Date()), signal }),
    staleTime: Infinity,
    refetchOnWindowFocus: false,
  };
}

/** One study, whatever list it stands in; `null` when there is none (any more). */
export function useStudy(uid: string) {
  return useQuery({
    queryKey: [...STUDIES, "one", uid],
    queryFn: async ({ signal }) => {
      const page = await ask<StudyPage>("api/studies", {
        query: { StudyInstanceUID: uid, includefield: ALSO, limit: 1 },
        signal,
      });
      return page.rows[0] ?? null;
    },
    enabled: uid !== "",
    placeholderData: keepPreviousData,
  });
}

/** These studies as they are now; those that are not there (any more) are missing. */
export async function fetchStudies(uids: readonly string[]): Promise<readonly Study[]> {
  if (uids.length === 0) return [];
  const query = { StudyInstanceUID: uids.join(","), includefield: ALSO, limit: uids.length };
  return (await ask<StudyPage>("api/studies", { query })).rows;
}

/** All studies of a patient, newest first. */
export function usePatientStudies(patientId: string) {
  return useQuery({
    queryKey: [...STUDIES, "patient", patientId],
    queryFn: ({ signal }) =>
      ask<StudyPage>("api/studies", {
        // A patient ID may hold what would be wild cards elsewhere: they match themselves as well.
        query: { PatientID: patientId, includefield: ALSO, limit: 500 },
        signal,
      }),
    select: (page) => page.rows.filter((study) => study.PatientID === patientId),
    enabled: patientId !== "",
  });
}

/** The labels in use. */
export function useLabels() {
  return useQuery({
    queryKey: [...STUDIES, "labels"],
    queryFn: ({ signal }) => ask<Label[]>("api/labels", { signal }),
  });
}

export interface Marks {
  add_labels?: readonly string[];
  remove_labels?: readonly string[];
  remark?: string;
}

/** Change what stands on studies. */
export async function mark(studies: readonly string[], marks: Marks): Promise<void> {
  await ask("api/labels", { method: "POST", json: { studies, ...marks } });
}
