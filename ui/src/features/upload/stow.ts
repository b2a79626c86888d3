/** Storing files by STOW-RS (PS3.18 10.5): one request, and what became of it. */
import { Problem, send } from "@/api/client";

import { isZip } from "./files";
import type { Found } from "./files";

export interface Result {
  state: "stored" | "skipped" | "failed";
  /** In the server's words; `stopped` and `lost` are our own. */
  why: string;
}

interface Answer {
  "00081198"?: { Value?: readonly Failure[] };
  "00081199"?: { Value?: readonly unknown[] };
  "0008119A"?: { Value?: readonly Failure[] };
}
type Failure = Record<string, { Value?: readonly unknown[] } | undefined>;

/** Failure Reason "Cannot understand" (PS3.4 Table B.2-1): it is no DICOM object. */
const NO_DICOM = 0xc000;

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
    if (error instanceof Problem) return { state: "failed", why: error.status ? error.message : "lost" };
    return { state: "failed", why: signal.aborted ? "stopped" : "lost" };
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
export function resultOf(answer: Answer, isPackage: boolean): Result {
  const failed = [...(answer["00081198"]?.Value ?? []), ...(answer["0008119A"]?.Value ?? [])];
  const stored = answer["00081199"]?.Value?.length ?? 0;
  const [first] = failed;
  if (!first) return { state: "stored", why: "" };
  const said = first["00000902"]?.Value?.[0];
  const why = typeof said === "string" ? said : "";
  const isForeign = failed.every((each) => (Number(each["00081197"]?.Value?.[0]) & 0xf000) === NO_DICOM);
  if (isForeign && stored === 0) return { state: "skipped", why };
  return { state: isForeign && isPackage ? "stored" : "failed", why };
}
