/** What was asked of the archive, as React sees it: kept as long as the window, asked for once. */
import { useQuery } from "@tanstack/react-query";
import type { QueryClient } from "@tanstack/react-query";

import type { SeriesRef } from "./addresses";
import { fetchStack, fetchStudy } from "./asking";
import { takeStack, takeStudy } from "./opening";

const KEEP = { staleTime: Infinity, refetchOnWindowFocus: false } as const;
export const studyQuery = (uid: string) => ({
  queryKey: ["viewer", "study", uid],
  queryFn: () => takeStudy(uid) ?? fetchStudy(uid),
  ...KEEP,
});
const stackQuery = (ref: SeriesRef) => ({
  queryKey: ["viewer", "stack", ref.study, ref.series],
  queryFn: () => takeStack(ref) ?? fetchStack(ref),
  ...KEEP,
});

/** Ask for a stack before anybody shows it. */
export const getStack = (queries: QueryClient, ref: SeriesRef) => queries.query(stackQuery(ref));

/** The stack of a series; nothing is asked for `null`. */
export function useStack(ref: SeriesRef | null) {
  return useQuery({ ...stackQuery(ref ?? { study: "", series: "" }), enabled: ref !== null });
}
