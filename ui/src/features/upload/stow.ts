/** Storing files by STOW-RS (PS3.18 10.5): one request, and what became of it. */
import { Problem, send } from "@/api/client";
import { worded } from "@/i18n/said";
import type { Code } from "@/i18n/said";

import { isZip } from "./files";
import type { Found } from "./files";

/** Files that somebody has taken, or refused. */
export interface Taken {
  state: "stored" | "skipped" | "failed";
  /** What the server says of it; `stopped` is our own. */
  why: string;
  /** Of a zip file: how many files of it are stored, and how many are not. */
  parts?: { stored: number; failed: number };
}

/** Why files wait: the server does not answer, or wants to know first who asks. */
export type Held = "lost" | "login";

/** `held`: nobody was there to take them; the same may be sent again later. */
export type Result = Taken | { state: "held"; why: Held };

interface Answer {
  "00081198"?: { Value?: readonly Failure[] };
  "00081199"?: { Value?: readonly unknown[] };
  "0008119A"?: { Value?: readonly Failure[] };
}
type Failure = Record<string, { Value?: readonly unknown[] } | undefined>;

/** Failure Reason "Cannot understand" (PS3.4 Table B.2-1): it is no DICOM object. */
const NO_DICOM = 0xc000;

/** The other Failure Reasons that the server gives (PS3.18 Table I.2-2), as it calls them elsewhere. */
const REASONS: Readonly<Record<number, Code>> = {
  0x0110: "dimse-processing",
  0x0111: "dimse-duplicate",
  0x0124: "dimse-not-authorized",
  0xa700: "dimse-resources",
  0xa900: "dimse-mismatch",
  0xc122: "dimse-syntax",
};

const LOST: ReadonlySet<number> = new Set([0, 502, 503, 504]);
const held = (why: Held): Result => ({ state: "held", why });

/** Store files in one request. Never throws. */
export async function store(files: readonly Found[], signal: AbortSignal): Promise<Result> {
  const [first] = files;
  if (!first) return { state: "stored", why: "" };
  const { body, type } = isZip(first.file) ? { body: first.file, type: "application/zip" } : multipart(files);
  try {
    const answer = await send("dicomweb/studies", {
      method: "POST",
      body,
      headers: { "Content-Type": type, Accept: "application/dicom+json" },
      answers: [409],
      signal,
    });
    return resultOf((await answer.json()) as Answer, isZip(first.file));
  } catch (error) {
    if (signal.aborted) return { state: "failed", why: "stopped" };
    if (!(error instanceof Problem)) return held("lost");
    if (error.status === 401) return held("login");
    // A server that starts, or a proxy before one that is not there.
    return LOST.has(error.status) ? held("lost") : { state: "failed", why: error.message };
  }
}

function multipart(files: readonly Found[]): { body: Blob; type: string } {
  const boundary = `calotype-${crypto.getRandomValues(new Uint32Array(4)).join("-")}`;
  const parts: BlobPart[] = [];
  for (const { file } of files)
    parts.push(`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`, file, "\r\n");
  parts.push(`--${boundary}--\r\n`);
  return { body: new Blob(parts), type: `multipart/related; type="application/dicom"; boundary=${boundary}` };
}

/** Read an answer. In a zip file what is no DICOM stands beside what is; several files are only stored all together. */
export function resultOf(answer: Answer, isPackage: boolean): Taken {
  const failed = [...(answer["00081198"]?.Value ?? []), ...(answer["0008119A"]?.Value ?? [])];
  const stored = answer["00081199"]?.Value?.length ?? 0;
  const [first] = failed;
  const parts = isPackage ? { parts: { stored, failed: failed.length } } : {};
  if (!first) return { state: "stored", why: "", ...parts };
  const why = reasonOf(first);
  const isForeign = failed.every((each) => (Number(each["00081197"]?.Value?.[0]) & 0xf000) === NO_DICOM);
  if (isForeign && stored === 0) return { state: "skipped", why, ...parts };
  return { state: isForeign && isPackage ? "stored" : "failed", why, ...parts };
}

function reasonOf(failure: Failure): string {
  const told = failure["00000902"]?.Value?.[0];
  const comment = typeof told === "string" ? told : "";
  const reason = Number(failure["00081197"]?.Value?.[0]);
  const code = REASONS[reason] ?? "dimse-cannot-understand";
  const status = reason.toString(16).toUpperCase().padStart(4, "0");
  return worded([{ text: comment, code, values: { status, remark: comment } }], comment);
}
