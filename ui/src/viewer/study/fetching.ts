/** Asking the archive over DICOMweb: the studies of this window, their series, and what a series shows. */
import { useQuery } from "@tanstack/react-query";
import type { QueryClient } from "@tanstack/react-query";

import { addressOf, ask, send } from "@/api/client";

import { number, personName, text } from "./dicomJson";
import type { DicomObject } from "./dicomJson";
import { withPalette } from "./palette";
import { makeStack } from "./stack";
import type { SeriesRef, Stack } from "./stack";

export interface Series extends SeriesRef {
  number: number | undefined;
  modality: string;
  description: string;
  count: number;
}

export interface Study {
  uid: string;
  patientName: string;
  patientId: string;
  birthDate: string;
  sex: string;
  date: string;
  time: string;
  description: string;
  accession: string;
  series: readonly Series[];
}

const JSON_TYPE = { Accept: "application/dicom+json" };
const placeOf = ({ study, series }: SeriesRef) =>
  `dicomweb/studies/${encodeURIComponent(study)}/series/${encodeURIComponent(series)}`;

export async function fetchStudy(uid: string): Promise<Study> {
  const path = "dicomweb/studies";
  const [studies, series] = await Promise.all([
    ask<DicomObject[] | undefined>(path, {
      query: { StudyInstanceUID: uid, includefield: ["00081030", "00100030", "00100040"] },
      headers: JSON_TYPE,
    }),
    ask<DicomObject[] | undefined>(`${path}/${encodeURIComponent(uid)}/series`, {
      query: { includefield: ["0008103E", "00200011"] },
      headers: JSON_TYPE,
    }),
  ]);
  const [study] = studies ?? [];
  return {
    uid,
    patientName: personName(study, "00100010"),
    patientId: text(study, "00100020"),
    birthDate: text(study, "00100030"),
    sex: text(study, "00100040"),
    date: text(study, "00080020"),
    time: text(study, "00080030"),
    description: text(study, "00081030"),
    accession: text(study, "00080050"),
    series: (series ?? []).map((each) => seriesOf(uid, each)).sort(bySeriesNumber),
  };
}

function seriesOf(study: string, object: DicomObject): Series {
  return {
    study,
    series: text(object, "0020000E"),
    number: number(object, "00200011"),
    modality: text(object, "00080060"),
    description: text(object, "0008103E"),
    count: number(object, "00201209") ?? 0,
  };
}

const bySeriesNumber = (a: Series, b: Series) => (a.number ?? Infinity) - (b.number ?? Infinity) || 0;

export async function fetchStack(ref: SeriesRef): Promise<Stack> {
  const headers = await ask<DicomObject[]>(`${placeOf(ref)}/metadata`, { headers: JSON_TYPE });
  const whole = await Promise.all(headers.map((header) => withPalette(header, fetchBytes)));
  return makeStack(ref, whole, (instance) => instanceAddress(ref, instance));
}

async function fetchBytes(address: string): Promise<ArrayBuffer> {
  const answer = await send(address, { headers: { Accept: "application/octet-stream" } });
  return answer.arrayBuffer();
}

/** The absolute address of an instance: Cornerstone takes no other. */
export function instanceAddress(ref: SeriesRef, instance: string): string {
  return addressOf(`${placeOf(ref)}/instances/${encodeURIComponent(instance)}`).href;
}

/** Where the object itself is, as it was stored. */
export const originalAddress = (ref: SeriesRef, instance: string) =>
  `${instanceAddress(ref, instance)}?accept=application/dicom&transfer-syntax=*`;

export const thumbnailAddress = (ref: SeriesRef) =>
  addressOf(`${placeOf(ref)}/thumbnail`, { viewport: "160,160" }).href;

const KEEP = { staleTime: Infinity, refetchOnWindowFocus: false } as const;
export const studyQuery = (uid: string) => ({
  queryKey: ["viewer", "study", uid],
  queryFn: () => fetchStudy(uid),
  ...KEEP,
});
const stackQuery = (ref: SeriesRef) => ({
  queryKey: ["viewer", "stack", ref.study, ref.series],
  queryFn: () => fetchStack(ref),
  ...KEEP,
});

/** Ask for a stack before anybody shows it. */
export const getStack = (queries: QueryClient, ref: SeriesRef) => queries.query(stackQuery(ref));

/** The stack of a series; nothing is asked for `null`. */
export function useStack(ref: SeriesRef | null) {
  return useQuery({ ...stackQuery(ref ?? { study: "", series: "" }), enabled: ref !== null });
}
