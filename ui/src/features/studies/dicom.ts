/** DICOM JSON (PS3.18 Annex F) as the panel reads it: series, instances, headers. */
import { useQuery } from "@tanstack/react-query";

import { ask } from "@/api/client";

import { STUDIES } from "./api";

export interface Attribute {
  vr: string;
  Value?: readonly unknown[];
  BulkDataURI?: string;
  InlineBinary?: string;
}
export type DataSet = Record<string, Attribute>;

const JSON_TYPE = { Accept: "application/dicom+json" };

/** Return the first value of an attribute as text; of a name its groups as DICOM text has them. */
export function textOf(dataSet: DataSet, tag: string): string {
  return showValue(dataSet[tag]?.Value?.[0]);
}

export function showValue(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "object") {
    const { Alphabetic = "", Ideographic = "", Phonetic = "" } = value as Record<string, string>;
    return [Alphabetic, Ideographic, Phonetic].join("=").replace(/=+$/, "");
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}

export interface Series {
  uid: string;
  number: string;
  modality: string;
  description: string;
  bodyPart: string;
  instances: number;
}

export interface Instance {
  uid: string;
  number: string;
  sopClass: string;
  rows: number;
  columns: number;
  frames: number;
}

const numerically = (one: { number: string }, other: { number: string }) =>
  (Number(one.number) || Infinity) - (Number(other.number) || Infinity) || 0;

export function useSeries(study: string) {
  return useQuery({
    queryKey: [...STUDIES, "series", study],
    queryFn: async ({ signal }) => {
      const found = await ask<DataSet[]>(`dicomweb/studies/${study}/series`, {
        query: { includefield: "BodyPartExamined" },
        headers: JSON_TYPE,
        signal,
      });
      return found.map(seriesOf).sort(numerically);
    },
    enabled: study !== "",
  });
}

function seriesOf(found: DataSet): Series {
  return {
    uid: textOf(found, "0020000E"),
    number: textOf(found, "00200011"),
    modality: textOf(found, "00080060"),
    description: textOf(found, "0008103E"),
    bodyPart: textOf(found, "00180015"),
    instances: Number(textOf(found, "00201209")) || 0,
  };
}

export function useInstances(study: string, series: string) {
  return useQuery({
    queryKey: [...STUDIES, "instances", study, series],
    queryFn: async ({ signal }) => {
      const found = await ask<DataSet[]>(`dicomweb/studies/${study}/series/${series}/instances`, {
        query: { limit: 1000 },
        headers: JSON_TYPE,
        signal,
      });
      return found.map(instanceOf).sort(numerically);
    },
  });
}

function instanceOf(found: DataSet): Instance {
  return {
    uid: textOf(found, "00080018"),
    number: textOf(found, "00200013"),
    sopClass: textOf(found, "00080016"),
    rows: Number(textOf(found, "00280010")) || 0,
    columns: Number(textOf(found, "00280011")) || 0,
    frames: Number(textOf(found, "00280008")) || 1,
  };
}

export function useHeader(study: string, series: string, instance: string) {
  return useQuery({
    queryKey: [...STUDIES, "header", study, series, instance],
    queryFn: async ({ signal }) => {
      const path = `dicomweb/studies/${study}/series/${series}/instances/${instance}/metadata`;
      const [header] = await ask<DataSet[]>(path, { headers: JSON_TYPE, signal });
      return header ?? {};
    },
    staleTime: 60_000,
  });
}

/** The keyword of each tag, fetched when the first header is opened. */
export function useKeywords() {
  return useQuery({
    queryKey: ["dictionary"],
    queryFn: ({ signal }) => ask<Record<string, string>>("api/dictionary", { signal }),
    staleTime: Infinity,
  });
}
