/** Asking nodes what they have, and having it sent. */
import { useMutation, useQueries, useQuery, useQueryClient } from "@tanstack/react-query";

import { ask } from "@/api/client";
import { addJob } from "@/features/jobs/api";
import type { Job } from "@/features/jobs/api";

export type Level = "STUDY" | "SERIES" | "IMAGE";

/** An answer: DICOM keywords and text; absent is empty. */
export type Fields = Readonly<Record<string, string | undefined>>;

export interface Answer {
  node: string;
  fields: Fields;
}

export interface Found {
  answers: Fields[];
  is_complete: boolean;
}

/** What is asked for at each level, in the order of the Standard's tables. */
const RETURNED: Record<Level, readonly string[]> = {
  STUDY: [
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "StudyDescription",
    "ModalitiesInStudy",
    "StudyInstanceUID",
    "NumberOfStudyRelatedSeries",
    "NumberOfStudyRelatedInstances",
  ],
  SERIES: [
    "Modality",
    "SeriesNumber",
    "SeriesDescription",
    "SeriesDate",
    "BodyPartExamined",
    "SeriesInstanceUID",
    "NumberOfSeriesRelatedInstances",
  ],
  IMAGE: ["InstanceNumber", "SOPClassUID", "SOPInstanceUID", "Rows", "Columns", "NumberOfFrames"],
};

const LIMIT = 500;
const MINUTES_10 = 600_000;

function asking(node: string, level: Level, keys: Record<string, string>) {
  const all = { ...Object.fromEntries(RETURNED[level].map((keyword) => [keyword, ""])), ...keys };
  return {
    queryKey: ["find", node, level, keys],
    queryFn: () =>
      ask<Found>(`api/nodes/${encodeURIComponent(node)}/find`, {
        method: "POST",
        json: { level, keys: all, limit: LIMIT },
      }),
    staleTime: Infinity,
    gcTime: MINUTES_10,
    retry: false,
    refetchOnWindowFocus: false,
  };
}

/** Ask several nodes the same; each answers, or fails, for itself. */
export function useFind(nodes: readonly string[], keys: Record<string, string> | null) {
  return useQueries({
    queries: keys ? nodes.map((node) => asking(node, "STUDY", keys)) : [],
  });
}

export function useFindBelow(node: string, level: Level, keys: Record<string, string>) {
  return useQuery(asking(node, level, keys));
}

export interface Wanted {
  node: string;
  studies: string[];
  series?: string[];
  method: "move" | "get";
  destination: string;
}

export function useRetrieve() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ node, ...wanted }: Wanted) =>
      ask<Job>(`api/nodes/${encodeURIComponent(node)}/retrieve`, { method: "POST", json: wanted }),
    onSuccess: (job) => addJob(queries, job),
  });
}

interface JsonElement {
  Value?: unknown[];
}

/** Return how many instances the archive has of each series of a study; none when it has not the study. */
export function useKnownSeries(study: string, version: unknown) {
  return useQuery({
    queryKey: ["known-series", study, version],
    queryFn: async () => {
      const found = await ask<Record<string, JsonElement>[]>(`dicomweb/studies/${study}/series`, {
        headers: { Accept: "application/dicom+json" },
      });
      return new Map(
        found.map((each) => [
          String(each["0020000E"]?.Value?.[0]),
          Number(each["00201209"]?.Value?.[0] ?? 0),
        ]),
      );
    },
    retry: false,
  });
}
