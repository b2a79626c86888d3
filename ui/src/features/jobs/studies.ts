/** What the archive has of studies that others speak of: names for jobs, badges for answers of nodes. */
import { useQuery } from "@tanstack/react-query";

import { ask } from "@/api/client";

export interface KnownStudy {
  StudyInstanceUID: string;
  PatientName?: string;
  PatientID?: string;
  StudyDate?: string;
  StudyDescription?: string;
  ModalitiesInStudy?: string[];
  NumberOfStudyRelatedInstances?: number;
}

/** So many UIDs of 64 characters fit into the line of a request, whatever stands before it. */
const AT_ONCE = 50;

async function fetchStudies(uids: readonly string[]): Promise<Map<string, KnownStudy>> {
  const parts: string[][] = [];
  for (let at = 0; at < uids.length; at += AT_ONCE) parts.push(uids.slice(at, at + AT_ONCE));
  const pages = await Promise.all(
    parts.map((part) =>
      ask<{ rows: KnownStudy[] }>("api/studies", {
        query: { StudyInstanceUID: part.join(","), limit: AT_ONCE },
      }),
    ),
  );
  return new Map(pages.flatMap((page) => page.rows.map((row) => [row.StudyInstanceUID, row] as const)));
}

const NONE: ReadonlyMap<string, KnownStudy> = new Map();

/** Return those of the studies that are here, by UID. `version` changes when it is time to look again. */
export function useKnownStudies(
  uids: readonly string[],
  version: unknown = 0,
): ReadonlyMap<string, KnownStudy> {
  const wanted = [...new Set(uids)].sort();
  const { data } = useQuery({
    queryKey: ["known-studies", wanted, version],
    queryFn: () => fetchStudies(wanted),
    enabled: wanted.length > 0,
    placeholderData: (before) => before,
  });
  return wanted.length > 0 ? (data ?? NONE) : NONE;
}
