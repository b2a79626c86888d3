import { useInfiniteQuery } from "@tanstack/react-query";

import { ask } from "@/api/client";
import type { Schemas } from "@/api/call";

export type Deletion = Schemas["DeletionView"];

export const BIN = ["recycle-bin"] as const;
const PAGE = 100;
const ALL = ["kept", "purging", "erasing", "purged", "restored"];

/** Deletions, newest first, a page at a time. */
export function useDeletions(isAll: boolean) {
  return useInfiniteQuery({
    queryKey: [...BIN, isAll],
    queryFn: ({ pageParam, signal }) =>
      ask<Deletion[]>("api/recycle-bin", {
        query: { state: isAll ? ALL : ["kept"], limit: PAGE, ...(pageParam ? { before: pageParam } : {}) },
        signal,
      }),
    initialPageParam: 0,
    getNextPageParam: (page) => (page.length < PAGE ? undefined : page.at(-1)?.id),
  });
}

export async function restore(id: number): Promise<{ served: number }> {
  return ask(`api/recycle-bin/${id}/restore`, { method: "POST" });
}

export async function purge(id: number, force: boolean): Promise<void> {
  await ask(`api/recycle-bin/${id}/purge`, { method: "POST", query: { force } });
}

export async function empty(force: boolean): Promise<{ purging: number; held_back: readonly number[] }> {
  return ask("api/recycle-bin", { method: "DELETE", query: { force } });
}
