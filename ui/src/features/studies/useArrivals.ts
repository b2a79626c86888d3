/**
 * What happens in the archive while the list is open. New studies are counted, not shown: a list that moves under the
 * pointer is worse than one that is a minute old. What changes of studies that are shown is taken over in its place.
 */
import { useQueryClient } from "@tanstack/react-query";
import type { QueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useEffectEvent, useState } from "react";

import { listen } from "@/api/events";

import { fetchStudies, STUDIES } from "./api";
import type { Study, StudyPage } from "./api";

interface Change {
  action: "created" | "updated" | "deleted" | "restored" | "marked" | "stable" | "rebuilt";
  study: string;
}

/** Changes come in bursts; the server is asked at most so often. */
const PAUSE_MS = 2000;
/** Studies that are looked up at one time. */
const AT_ONCE = 100;

const PAGES = { queryKey: [...STUDIES, "page"] };

/** `since`: the change that the list is as new as, once there is a list; what comes after that is heard of. */
export function useArrivals(since: number | undefined) {
  const queries = useQueryClient();
  const [arrived, setArrived] = useState<ReadonlySet<string>>(new Set());

  const asked = useEffectEvent(() => ({ jobs: false, since }));
  const isThere = since !== undefined;

  useEffect(() => {
    if (!isThere) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const changed = new Set<string>();
    const refresh = () => {
      timer = undefined;
      const studies = [...changed].slice(0, AT_ONCE);
      for (const study of studies) changed.delete(study);
      // What cannot be looked up now is fetched with its list, the next time that is.
      takeOver(queries, studies).catch(() =>
        queries.invalidateQueries({ queryKey: STUDIES, refetchType: "none" }),
      );
      if (changed.size) soon();
    };
    const soon = () => (timer ??= setTimeout(refresh, PAUSE_MS));
    const change = (told: unknown) => {
      const { action, study } = told as Change;
      if (action === "stable" || !study) return;
      if (knownOf(queries).has(study)) {
        changed.add(study);
        soon();
      } else if (action === "created" || action === "restored")
        setArrived((before) => (before.has(study) ? before : new Set(before).add(study)));
    };
    // What happened meanwhile is not told any more.
    const resync = () => void queries.invalidateQueries({ queryKey: STUDIES });
    const stop = listen("api/events", () => asked(), { change, resync });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [queries, isThere]);

  const show = useCallback(async () => {
    setArrived(new Set());
    await queries.resetQueries({ queryKey: STUDIES });
  }, [queries]);
  // A list that was fetched anew may show by now what was told of.
  const known = arrived.size ? knownOf(queries) : arrived;
  return { count: [...arrived].filter((study) => !known.has(study)).length, show };
}

function knownOf(queries: QueryClient): Set<string> {
  const pages = queries.getQueriesData<StudyPage>(PAGES);
  return new Set(pages.flatMap(([, page]) => page?.rows.map((row) => row.StudyInstanceUID) ?? []));
}

/** Put studies as they are now in the place of what the pages have of them; who is gone is marked so. */
async function takeOver(queries: QueryClient, uids: readonly string[]): Promise<void> {
  const asked = new Set(uids);
  const now = new Map((await fetchStudies(uids)).map((study) => [study.StudyInstanceUID, study]));
  const fresh = (row: Study): Study =>
    asked.has(row.StudyInstanceUID) ? (now.get(row.StudyInstanceUID) ?? { ...row, isGone: true }) : row;
  queries.setQueriesData<StudyPage>(PAGES, (page) => page && { ...page, rows: page.rows.map(fresh) });
  await queries.invalidateQueries({
    queryKey: STUDIES,
    predicate: ({ queryKey: [, kind, uid] }) =>
      kind === "patient" || kind === "labels" || asked.has(String(uid)),
  });
}
