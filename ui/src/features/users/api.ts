/** Users, their tokens and sessions, as the server keeps them. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { ask } from "@/api/client";
import type { Schemas } from "@/api/call";

export type User = Schemas["UserView"];
export type Token = Schemas["TokenView"];
export type MadeToken = Schemas["MadeToken"];
export type NewToken = Schemas["NewToken"];
export type SessionEntry = Schemas["SessionEntry"];

export const ROLES = ["viewer", "operator", "admin"] as const;
export const SCOPES = ["read", "store", "operate", "admin"] as const;

/** A user as the form has it; an empty password of a user who is there stays as it is. */
export interface UserForm {
  name: string;
  role: (typeof ROLES)[number];
  password: string;
  must_change_password: boolean;
}

const listed = <Row>(noun: string, everybody: boolean) => ({
  queryKey: [noun, everybody],
  queryFn: () => ask<Row[]>(`api/${noun}`, { query: { all: everybody ? true : undefined } }),
});

export const useUsers = () => useQuery({ queryKey: ["users"], queryFn: () => ask<User[]>("api/users") });
export const useTokens = (everybody: boolean) => useQuery(listed<Token>("tokens", everybody));
export const useSessions = (everybody: boolean) => useQuery(listed<SessionEntry>("sessions", everybody));

/** Change something, then look again at all of its kind. */
function useChange<Input, Output>(noun: string, change: (input: Input) => Promise<Output>) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: () => queries.invalidateQueries({ queryKey: [noun] }),
  });
}

const userPath = (name: string) => `api/users/${encodeURIComponent(name)}`;

export const useSaveUser = (isNew: boolean) =>
  useChange("users", ({ name, password, ...rest }: UserForm) =>
    isNew
      ? ask("api/users", { method: "POST", json: { name, password, ...rest } })
      : ask(userPath(name), { method: "PUT", json: { ...rest, password: password || null } }),
  );

export const useDeleteUser = () =>
  useChange("users", (name: string) => ask(userPath(name), { method: "DELETE" }));

export const useMakeToken = () =>
  useChange("tokens", (json: NewToken) => ask<MadeToken>("api/tokens", { method: "POST", json }));

export const useDeleteToken = () =>
  useChange("tokens", (id: number) => ask(`api/tokens/${id}`, { method: "DELETE" }));

export const useEndSession = () =>
  useChange("sessions", (id: number | "others") =>
    ask(id === "others" ? "api/sessions" : `api/sessions/${id}`, { method: "DELETE" }),
  );
