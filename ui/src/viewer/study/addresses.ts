/** Where over DICOMweb a study, its series and what they hold are. */
import { addressOf } from "@/api/client";

export interface SeriesRef {
  study: string;
  series: string;
}

export const DICOM_JSON = "application/dicom+json";

const STUDIES = "dicomweb/studies";
const placeOf = ({ study, series }: SeriesRef) =>
  `${STUDIES}/${encodeURIComponent(study)}/series/${encodeURIComponent(series)}`;

/** Where a study tells of itself, and where of its series. */
export const studyAddresses = (uid: string): [URL, URL] => [
  addressOf(STUDIES, { StudyInstanceUID: uid, includefield: ["00081030", "00100030", "00100040"] }),
  addressOf(`${STUDIES}/${encodeURIComponent(uid)}/series`, { includefield: ["0008103E", "00200011"] }),
];

export const metadataAddress = (ref: SeriesRef) => addressOf(`${placeOf(ref)}/metadata`);

/** The absolute address of an instance: Cornerstone takes no other. */
export function instanceAddress(ref: SeriesRef, instance: string): string {
  return addressOf(`${placeOf(ref)}/instances/${encodeURIComponent(instance)}`).href;
}

/** Where the object itself is, as it was stored. */
export const originalAddress = (ref: SeriesRef, instance: string) =>
  `${instanceAddress(ref, instance)}?accept=application/dicom&transfer-syntax=*`;

export const thumbnailAddress = (ref: SeriesRef) =>
  addressOf(`${placeOf(ref)}/thumbnail`, { viewport: "160,160" }).href;
