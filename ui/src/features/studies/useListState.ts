import { useMemo } from "react";
import { useLocation, useSearch } from "wouter";

import { isStep, readState, writeState } from "./state";
import type { ListState } from "./state";

/** The state of the list, which is its address; a change replaces the address unless it is a step to come back from. */
export function useListState(): [ListState, (change: Partial<ListState>) => void] {
  const search = useSearch();
  const [location, go] = useLocation();
  const state = useMemo(() => readState(new URLSearchParams(search)), [search]);
  const change = (changed: Partial<ListState>) => {
    // The address of this moment, not of the last rendering: two changes may follow each other quickly.
    const now = readState(new URLSearchParams(window.location.search));
    const then = { ...now, ...changed };
    const params = writeState(then).toString();
    go(params ? `${location}?${params}` : location, { replace: !isStep(now, then) });
  };
  return [state, change];
}
