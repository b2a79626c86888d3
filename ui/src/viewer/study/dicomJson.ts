/** Reading of DICOM JSON (PS3.18 Annex F): values by tag, whatever the archive was sent. */

export interface DicomElement {
  vr: string;
  Value?: unknown[];
  BulkDataURI?: string;
  InlineBinary?: string;
}

/** A data set, or an item of a sequence, by tag (`00080018`). */
export type DicomObject = Record<string, DicomElement | undefined>;

export function text(object: DicomObject | undefined, tag: string): string {
  const value = object?.[tag]?.Value?.[0];
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

/** Every value that is text. */
export function texts(object: DicomObject | undefined, tag: string): string[] {
  return (object?.[tag]?.Value ?? []).map((each) => (typeof each === "string" ? each : ""));
}

/** Every value that is a number; DICOM text may say anything. */
export function numbers(object: DicomObject | undefined, tag: string): number[] {
  return (object?.[tag]?.Value ?? []).map(Number).filter(Number.isFinite);
}

export function number(object: DicomObject | undefined, tag: string): number | undefined {
  return numbers(object, tag)[0];
}

/** The items of a sequence. */
export function items(object: DicomObject | undefined, tag: string): DicomObject[] {
  const values = object?.[tag]?.Value ?? [];
  return values.filter((each): each is DicomObject => typeof each === "object" && each !== null);
}

/** A person's name with its groups as DICOM writes them: alphabetic, ideographic, phonetic. */
export function personName(object: DicomObject | undefined, tag: string): string {
  const value = object?.[tag]?.Value?.[0];
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return "";
  const groups = value as Record<string, unknown>;
  return ["Alphabetic", "Ideographic", "Phonetic"]
    .map((group) => (typeof groups[group] === "string" ? groups[group] : ""))
    .join("=")
    .replace(/=+$/, "");
}
