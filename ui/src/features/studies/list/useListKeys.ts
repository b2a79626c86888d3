import type { Virtualizer } from "@tanstack/react-virtual";
import type { KeyboardEvent, RefObject } from "react";

import type { Rows } from "./usePages";
import type { Study } from "../api";

interface Known {
  rows: Rows;
  current: number;
  onCurrent: (index: number) => void;
  onLook: (study: Study) => void;
  onOpen: (study: Study) => void;
  onToggle: (study: Study) => void;
  onToggleShown: (studies: readonly Study[]) => void;
  onLeave: () => void;
}

/** The keys of the list while it has the focus; what each does stands in one table. */
export function useListKeys(
  { rows, current, ...on }: Known,
  virtual: Virtualizer<HTMLDivElement, Element>,
  scroll: RefObject<HTMLDivElement | null>,
) {
  return (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget) return;
    const screen = Math.max(1, Math.floor((scroll.current?.clientHeight ?? 0) / 34) - 2);
    const study = rows.row(current);
    const go = (index: number) => {
      const there = Math.min(Math.max(index, 0), rows.total - 1);
      if (there < 0) return;
      on.onCurrent(there);
      virtual.scrollToIndex(there, { align: "auto" });
    };
    const keys: Record<string, () => void> = {
      ArrowDown: () => go(current + 1),
      ArrowUp: () => go(current - 1),
      PageDown: () => go(current + screen),
      PageUp: () => go(current - screen),
      Home: () => go(0),
      End: () => go(rows.total - 1),
      Enter: () => study && on.onOpen(study),
      ArrowRight: () => study && on.onLook(study),
      " ": () => study && on.onToggle(study),
      Escape: on.onLeave,
      a: () => {
        if (event.ctrlKey || event.metaKey)
          on.onToggleShown(virtual.getVirtualItems().flatMap((item) => rows.row(item.index) ?? []));
      },
    };
    const act = keys[event.key];
    if (!act || (event.key === "a" && !event.ctrlKey && !event.metaKey)) return;
    event.preventDefault();
    act();
  };
}
