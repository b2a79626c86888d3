/** What the first steps ask of the server. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { ask, send } from "@/api/client";

interface Found {
  rows: readonly { StudyInstanceUID: string }[];
  total: number;
}

/** The study that was received last, if there is one. */
export function useLastStudy() {
  return useQuery({
    queryKey: ["studies", "first-run"],
    queryFn: async () => (await ask<Found>("api/studies", { query: { limit: 1 } })).rows[0] ?? null,
  });
}

/** Put the sample study into the archive. */
export function usePutSample() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => send("api/sample", { method: "POST" }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["studies"] }),
  });
}
