/** The address book, and asking a node whether it is there. */
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { QueryClient } from "@tanstack/react-query";

import type { Schemas } from "@/api/call";
import { ask } from "@/api/client";

export const ROLES = ["store", "query", "worklist", "print", "commitment"] as const;
export const RIGHTS = ["store", "find", "move", "get", "worklist", "mpps", "commitment", "print"] as const;
export type Role = (typeof ROLES)[number];
export type Right = (typeof RIGHTS)[number];

export interface Node {
  ae_title: string;
  host: string;
  port: number;
  tls: {
    verify: boolean;
    check_hostname: boolean;
    ca: string;
    certificate: string;
    key: string;
  } | null;
  roles: Role[];
  transfer_syntaxes: string[];
  incoming_transfer_syntaxes: string[];
  character_set: string;
  timeouts: { connect_s: number | null; dimse_s: number | null; network_s: number | null };
  note: string;
  anonymise: boolean;
  permissions: { rights: Right[]; destinations: string[] | null; bound_to_host: boolean };
}

export interface KnownNode extends Node {
  read_only: boolean;
}

export type Diagnosis = Schemas["EchoAnswer"];

const KEY = ["nodes"];
const pathOf = (aeTitle: string) => `api/nodes/${encodeURIComponent(aeTitle)}`;

export function useNodes() {
  return useQuery({ queryKey: KEY, queryFn: () => ask<KnownNode[]>("api/nodes") });
}

/** Put a node into the book: a new one, or in the place of the one that has its AE title. */
export function useSaveNode(isNew: boolean) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (node: Node) =>
      isNew
        ? ask("api/nodes", { method: "POST", json: node })
        : ask(pathOf(node.ae_title), { method: "PUT", json: node }),
    onSuccess: (_answer, node) => {
      queries.removeQueries({ queryKey: ["echo", node.ae_title] });
      return queries.invalidateQueries({ queryKey: KEY });
    },
  });
}

export function useDeleteNode() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (aeTitle: string) => ask(pathOf(aeTitle), { method: "DELETE" }),
    onSuccess: () => queries.invalidateQueries({ queryKey: KEY }),
  });
}

export type Imported = Schemas["ImportReport"];

export function useImportNodes() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (text: string) =>
      ask<Imported>("api/nodes/import", {
        method: "POST",
        body: text,
        headers: { "Content-Type": "application/json" },
      }),
    onSuccess: () => queries.invalidateQueries({ queryKey: KEY }),
  });
}

const echo = (aeTitle: string) =>
  queryOptions({
    queryKey: ["echo", aeTitle],
    queryFn: () => ask<Diagnosis>(`${pathOf(aeTitle)}/echo`, { method: "POST", json: {} }),
    enabled: false,
    staleTime: Infinity,
    retry: false,
  });

/** What a node said when it was last asked, on whichever page; `refetch` asks. */
export function useEcho(aeTitle: string) {
  return useQuery(echo(aeTitle));
}

/** Ask a node now, for whoever shows it. */
export function askEcho(queries: QueryClient, aeTitle: string) {
  return queries.query({ ...echo(aeTitle), staleTime: 0 }).catch(() => undefined);
}

export function emptyNode(): Node {
  return {
    ae_title: "",
    host: "",
    port: 104,
    tls: null,
    roles: [...ROLES],
    transfer_syntaxes: [],
    incoming_transfer_syntaxes: [],
    character_set: "",
    timeouts: { connect_s: null, dimse_s: null, network_s: null },
    note: "",
    anonymise: false,
    permissions: { rights: [...RIGHTS], destinations: null, bound_to_host: false },
  };
}
