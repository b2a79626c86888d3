/** Who is logged in, known to every page; a session that ends leaves the page where it is and asks to log in over it. */
import { useMantineColorScheme } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import i18next from "i18next";
import { createContext, use, useCallback, useEffect, useState } from "react";
import type { ReactNode } from "react";

import { ask, keepCsrfToken, onSession, Problem } from "@/api/client";
import { chooseLanguage } from "@/i18n";

import { askPreferences, keep, over, withUntold } from "./preferences";
import type { Chosen, Preferences } from "./preferences";

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
  chosen: Chosen;
  /** Choose how the pages are; what is not named stays. */
  choose: (choice: Chosen) => void;
  /** Why the last choice that was not kept was not. */
  notKept: Error | null;
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

interface Entered extends Session {
  preferences: Preferences;
}

async function fetchSession(): Promise<Entered | null> {
  try {
    // Beside each other: what the page waits for is one way to the server, not two.
    const [session, told] = await Promise.all([ask<Session>("api/session"), askPreferences()]);
    keepCsrfToken(session.csrf_token);
    return { ...session, preferences: await withUntold(told) };
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
  useEffect(() => onSession((isThere) => (isThere ? undefined : setExpired(hasSession))), [hasSession]);

  const [notKept, setNotKept] = useState<Error | null>(null);
  const show = useShow();
  const preferences = data?.preferences ?? null;
  useEffect(() => show(preferences?.chosen ?? {}), [show, preferences]);
  const choose = (choice: Chosen) => {
    show(choice);
    queries.setQueryData<Entered | null>(
      KEY,
      (known) =>
        known && {
          ...known,
          preferences: { ...known.preferences, chosen: over(known.preferences.chosen, choice) },
        },
    );
    keep(choice, preferences).catch((error: unknown) =>
      setNotKept(error instanceof Error ? error : new Error(String(error))),
    );
  };

  const refresh = useCallback(async () => {
    setExpired(false);
    await queries.invalidateQueries();
  }, [queries]);
  useEffect(() => {
    if (!hasExpired) return undefined;
    // Whoever has logged in in another window need not do so in this one.
    const look = async () => {
      const session = await fetchSession().catch(() => null);
      if (session) await refresh();
    };
    const onFocus = () => void look();
    window.addEventListener("focus", onFocus);
    return () => window.removeEventListener("focus", onFocus);
  }, [hasExpired, refresh]);
  const known: Known = {
    session: data ?? null,
    chosen: preferences?.chosen ?? {},
    choose,
    notKept,
    isLoading: isPending,
    hasExpired,
    failed: error instanceof Problem ? error : null,
    login: async (user, password) => {
      const entered = await ask<Session>("api/session", { method: "POST", json: { user, password } });
      // At once: what is saved before the page has asked who is logged in would carry the old session's.
      keepCsrfToken(entered.csrf_token);
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

/** Return what makes the pages look as chosen. */
function useShow() {
  const { setColorScheme } = useMantineColorScheme();
  return useCallback(
    ({ language, scheme }: Chosen) => {
      if (language && language !== i18next.language) void chooseLanguage(language);
      if (scheme) setColorScheme(scheme);
    },
    [setColorScheme],
  );
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
