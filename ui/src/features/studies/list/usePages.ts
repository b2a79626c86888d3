/**
 * The rows of the list, fetched by pages where they are looked at.
 *
 * A new search is first asked for beside the list that is shown, and takes its place when its first page is there: no
 * flicker between two keystrokes.
 */
import { useQueries, useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { PAGE } from "../address";
import { countQuery, pageQuery } from "../api";
import type { Study } from "../api";
import type { Filters } from "../state";

export interface Shown {
  filters: Filters;
  order: string;
}

export interface Rows {
  /** What the rows answer: what was wanted last, as soon as it is there. */
  shown: Shown;
  total: number;
  isExact: boolean;
  isLoading: boolean;
  error: Error | null;
  /** The number in the feed of changes that the first page is as new as. */
  change: number | undefined;
  row: (index: number) => Study | undefined;
  retry: () => void;
}

const same = (one: Shown, other: Shown) => JSON.stringify(one) === JSON.stringify(other);

export function usePages(wanted: Shown, first: number, last: number): Rows {
  const [shown, setShown] = useState(wanted);
  const head = useQuery(pageQuery(wanted.filters, wanted.order, 0));
  if (head.isSuccess && !same(shown, wanted)) setShown(wanted);

  const from = Math.floor(first / PAGE);
  const pages = Array.from({ length: Math.floor(last / PAGE) - from + 1 }, (_, at) => from + at);
  const fetched = useQueries({ queries: pages.map((page) => pageQuery(shown.filters, shown.order, page)) });
  const start = useQuery({ ...pageQuery(shown.filters, shown.order, 0), enabled: same(shown, wanted) });
  const counted = useQuery({
    ...countQuery(shown.filters),
    enabled: start.data?.total_is_at_least ?? false,
  });

  const isExact = start.data?.total_is_at_least === false || counted.isSuccess;
  const failed = fetched.find((page) => page.error);
  return {
    shown,
    total: (start.data?.total_is_at_least ? counted.data?.total : undefined) ?? start.data?.total ?? 0,
    isExact,
    isLoading: head.isPending,
    error: head.error ?? failed?.error ?? null,
    change: start.data?.change ?? undefined,
    row: (index) => fetched[Math.floor(index / PAGE) - from]?.data?.rows[index % PAGE],
    retry: () => {
      void head.refetch();
      for (const page of fetched) if (page.error) void page.refetch();
    },
  };
}
