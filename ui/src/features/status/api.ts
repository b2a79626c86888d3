/** What the server tells of itself. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { ask } from "@/api/client";
import type { Schemas } from "@/api/call";

export type LiveAssociation = Schemas["LiveAssociation"];

export type Totals = Schemas["Totals"];

export type Listener = Schemas["DoorView"];

export type Status = Schemas["Status"];

export type Traffic = Schemas["TrafficView"];

export type Refusal = Schemas["Refusal"];

export type Rejection = Schemas["RejectionView"];

const OFTEN_MS = 3_000;
const SELDOM_MS = 20_000;

export function useStatus(refetchInterval: number | false = OFTEN_MS) {
  return useQuery({ queryKey: ["status"], queryFn: () => ask<Status>("api/status"), refetchInterval });
}

export function useTraffic() {
  return useQuery({
    queryKey: ["status", "traffic"],
    queryFn: () => ask<Traffic>("api/status/traffic"),
    refetchInterval: SELDOM_MS,
  });
}

export function useRefusals(enabled: boolean) {
  return useQuery({
    queryKey: ["status", "refusals"],
    enabled,
    queryFn: () => ask<Refusal[]>("api/access/refusals", { headers: { "X-Background": "1" } }),
    refetchInterval: OFTEN_MS,
  });
}

export function useRejections() {
  return useQuery({
    queryKey: ["status", "rejections"],
    queryFn: () => ask<{ counts: Record<string, number>; recent: Rejection[] }>("api/rejections"),
    refetchInterval: OFTEN_MS,
  });
}

/** Let a caller do what it was refused: its node is changed, or made. */
export function useAdmit() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (refusal: Refusal) =>
      ask(`api/access/refusals/${refusal.id}/admit`, { method: "POST", json: {} }),
    onSuccess: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ["status"] }),
        queries.invalidateQueries({ queryKey: ["nodes"] }),
      ]),
  });
}

const LOOPBACK = /^(localhost|127\.|\[?::1\]?$)/;

/**
 * Return under which address a device reaches us, as far as can be told from here: the one in the address bar, unless
 * that is this machine's own, then what the server knows.
 */
export function ourAddress(status: Status, hostname: string): string {
  if (!LOOPBACK.test(hostname)) return hostname;
  return status.addresses.find((address) => !LOOPBACK.test(address)) ?? hostname;
}

/** Return the door that serves all of these and the fewest things besides, if there is one. */
export function doorFor(status: Status, services: readonly string[]): Listener | undefined {
  return status.listeners
    .filter((each) => services.every((service) => each.services.includes(service)))
    .sort((one, other) => one.services.length - other.services.length)[0];
}
