/** What the server tells of itself. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { ask } from "@/api/client";

export interface LiveAssociation {
  calling_ae_title: string;
  called_ae_title: string;
  peer_address: string;
  since_us: number;
  messages_received: number;
  messages_sent: number;
  data_set_bytes_received: number;
  data_set_bytes_sent: number;
}

export interface Totals {
  associations: number;
  rejections: number;
  messages_received: number;
  messages_sent: number;
  data_set_bytes_received: number;
  data_set_bytes_sent: number;
}

export interface Listener {
  name: string;
  bind: string;
  port: number;
  ae_titles: string[];
  services: string[];
  is_tls: boolean;
  is_open: boolean;
  max_associations: number;
  associations: LiveAssociation[];
  totals: Totals;
}

export interface Status {
  version: string;
  started_us: number;
  now_us: number;
  ae_title: string;
  addresses: string[];
  listeners: Listener[];
  disk: { path: string; total_bytes: number; free_bytes: number; min_free_bytes: number };
}

export interface Traffic {
  span_s: number;
  spans: { end_us: number; passed: Totals }[];
}

export interface Refusal {
  id: number;
  last_us: number;
  count: number;
  calling_ae_title: string;
  address: string;
  right: string;
  destination: string;
  known: boolean;
}

export interface Rejection {
  time_us: number;
  listener: string;
  peer_address: string;
  calling_ae_title: string;
  called_ae_title: string;
  result: string;
  source: string;
  reason: string;
  detail: string;
}

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
