/** Who is logged in, known to every page; a session that ends leaves the page where it is and asks to log in over it. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, use, useEffect, useState } from "react";
import type { ReactNode } from "react";

import { ask, keepCsrfToken, onSessionEnd, Problem } from "@/api/client";

export type Role = "viewer" | "operator" | "admin";
const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

export interface Session {
  user: string;
  role: Role;
  csrf_token: string;
  must_change_password: boolean;
}

interface Known {
  session: Session | null;
  isLoading: boolean;
  /** The session ended while a page was open. */
  hasExpired: boolean;
  failed: Problem | null;
  login: (user: string, password: string) => Promise<void>;
  logout: () => Promise<void>;
  refresh: () => Promise<void>;
}

const Context = createContext<Known | null>(null);
const KEY = ["session"];

async function fetchSession(): Promise<Session | null> {
  try {
    const session = await ask<Session>("api/session");
    keepCsrfToken(session.csrf_token);
    return session;
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return null;
    throw error;
  }
}

export function SessionProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const { data, isPending, error } = useQuery({
    queryKey: KEY,
    queryFn: fetchSession,
    staleTime: Infinity,
    retry: 1,
  });
  const [hasExpired, setExpired] = useState(false);
  const hasSession = Boolean(data);
  useEffect(() => onSessionEnd(() => setExpired(hasSession)), [hasSession]);

  const refresh = async () => {
    setExpired(false);
    await queries.invalidateQueries();
  };
  const known: Known = {
    session: data ?? null,
    isLoading: isPending,
    hasExpired,
    failed: error instanceof Problem ? error : null,
    login: async (user, password) => {
      await ask("api/session", { method: "POST", json: { user, password } });
      await refresh();
    },
    logout: async () => {
      await ask("api/session", { method: "DELETE" });
      // First the pages go, then what they knew: whoever comes next starts with nothing.
      queries.setQueryData(KEY, null);
      queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== KEY[0] });
    },
    refresh,
  };
  return <Context value={known}>{children}</Context>;
}

export function useSession(): Known {
  const known = use(Context);
  if (!known) throw new Error("useSession outside of SessionProvider");
  return known;
}

/** Tell whether whoever is logged in may do what asks for `role`. */
export function useMay(role: Role): boolean {
  const { session } = useSession();
  return session !== null && RANK[session.role] >= RANK[role];
}
