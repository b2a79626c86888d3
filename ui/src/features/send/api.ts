/** Sending a part of the archive to nodes, and putting files into it first. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { ask, Problem, send } from "@/api/client";
import { addJob } from "@/features/jobs/api";
import type { Job } from "@/features/jobs/api";
import type { KnownStudy } from "@/features/jobs/studies";

/** What to send; every list that is given restricts, and the lowest one is the level. */
export interface Chosen {
  studies: string[];
  series?: string[];
  instances?: string[];
}

export interface Order {
  nodes: readonly string[];
  chosen: Chosen;
  commit: boolean;
  anonymise: boolean;
}

/** Send to every node, each as a job of its own. */
export function useSend() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ nodes, chosen, commit, anonymise }: Order) =>
      Promise.all(
        nodes.map((node) =>
          ask<Job>(`api/nodes/${encodeURIComponent(node)}/send`, {
            method: "POST",
            json: { ...chosen, commit, ...(anonymise ? { anonymise: {} } : {}) },
          }),
        ),
      ),
    onSuccess: (jobs) => {
      for (const job of jobs) addJob(queries, job);
    },
  });
}

const FOUND = 50;

export function useStudies(q: string) {
  return useQuery({
    queryKey: ["studies-to-send", q],
    queryFn: () => ask<{ rows: KnownStudy[]; total: number }>("api/studies", { query: { q, limit: FOUND } }),
    placeholderData: (before) => before,
  });
}

export interface Taken {
  studies: string[];
  instances: string[];
  refused: string[];
}

interface Reference {
  Value?: Record<string, { Value?: unknown[] }>[];
}

const PARTS_AT_ONCE = 16;
const BYTES_AT_ONCE = 64 * 1024 * 1024;

/** Group files into requests that are not too long. */
export function batches(files: readonly File[]): File[][] {
  const groups: File[][] = [];
  let size = Infinity;
  for (const file of files) {
    const last = groups.at(-1);
    if (!last || last.length >= PARTS_AT_ONCE || size + file.size > BYTES_AT_ONCE) {
      groups.push([file]);
      size = file.size;
    } else {
      last.push(file);
      size += file.size;
    }
  }
  return groups;
}

/** Put files into the archive (STOW-RS) and tell which studies and instances they are. */
export async function take(files: readonly File[], onProgress: (done: number) => void): Promise<Taken> {
  const taken: Taken = { studies: [], instances: [], refused: [] };
  let done = 0;
  for (const batch of batches(files)) {
    await takeBatch(batch, taken);
    done += batch.length;
    onProgress(done);
  }
  taken.studies = [...new Set(taken.studies)];
  return taken;
}

async function takeBatch(batch: readonly File[], taken: Taken): Promise<void> {
  const boundary = `calotype-${crypto.getRandomValues(new Uint32Array(4)).join("-")}`;
  const body = new Blob([
    ...batch.flatMap((file) => [`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`, file, "\r\n"]),
    `--${boundary}--\r\n`,
  ]);
  try {
    const answer = await send("dicomweb/studies", {
      method: "POST",
      body,
      headers: {
        Accept: "application/dicom+json",
        "Content-Type": `multipart/related; type="application/dicom"; boundary=${boundary}`,
      },
    });
    const told = (await answer.json()) as Record<string, Reference>;
    const stored = told["00081199"]?.Value ?? [];
    if (stored.length < batch.length) {
      await takeApart(batch, taken);
      return;
    }
    for (const each of stored) {
      taken.instances.push(String(each["00081155"]?.Value?.[0]));
      const study = STUDY_IN_URL.exec(String(each["00081190"]?.Value?.[0]))?.[1];
      if (study) taken.studies.push(study);
    }
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    await takeApart(batch, taken);
  }
}

/** Which of them it is that is not taken is found out by sending each alone; the same again is kept once. */
async function takeApart(batch: readonly File[], taken: Taken): Promise<void> {
  if (batch.length > 1) for (const file of batch) await takeBatch([file], taken);
  else taken.refused.push(...batch.map((file) => file.name));
}

const STUDY_IN_URL = /\/studies\/([0-9.]+)\//;
