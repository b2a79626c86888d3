/** Asking the archive over DICOMweb: what a study is, its series, and what a series shows. */
import { ask, send } from "@/api/client";

import { DICOM_JSON, instanceAddress, metadataAddress, studyAddresses } from "./addresses";
import type { SeriesRef } from "./addresses";
import { number, personName, text } from "./dicomJson";
import type { DicomObject } from "./dicomJson";
import { withPalette } from "./palette";
import { makeStack } from "./stack";
import type { Stack } from "./stack";

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

const asked = { headers: { Accept: DICOM_JSON } };

export async function fetchStudy(uid: string): Promise<Study> {
  const [studies, series] = await Promise.all(
    studyAddresses(uid).map(({ href }) => ask<DicomObject[] | undefined>(href, asked)),
  );
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
  const headers = await ask<DicomObject[]>(metadataAddress(ref).href, asked);
  const whole = await Promise.all(headers.map((header) => withPalette(header, fetchBytes)));
  return makeStack(ref, whole, (instance) => instanceAddress(ref, instance));
}

async function fetchBytes(address: string): Promise<ArrayBuffer> {
  const answer = await send(address, { headers: { Accept: "application/octet-stream" } });
  return answer.arrayBuffer();
}
