/** What the viewer shows and how: one small state, changed by actions, read by parts. */
import { useSyncExternalStore } from "react";

import type { SeriesRef } from "./study/addresses";

/** `one`, `two`, `four` show stacks; `mpr`, `quad` and `volume` cut and render the active series. */
export const layouts = ["one", "two", "four", "mpr", "quad", "volume"] as const;
export type Layout = (typeof layouts)[number];
export const stackPanes: Record<Layout, number> = { one: 1, two: 2, four: 4, mpr: 0, quad: 0, volume: 0 };

export const slabModes = ["off", "mip", "minip", "mean"] as const;
export type SlabMode = (typeof slabModes)[number];

/** How thick a slab may be. */
export const SLAB_MM = { least: 1, most: 60 } as const;

export interface ViewerState {
  layout: Layout;
  /** The series of every stack pane. */
  panes: readonly (SeriesRef | null)[];
  active: number;
  tool: string;
  /** Panes scroll, zoom and move together. */
  isLinked: boolean;
  hasReferenceLines: boolean;
  hasOverlay: boolean;
  isPlaying: boolean;
  framesPerSecond: number;
  slab: SlabMode;
  slabMm: number;
  preset: string;
  side: "none" | "findings" | "help";
}

const initial: ViewerState = {
  layout: "one",
  panes: [null, null, null, null],
  active: 0,
  tool: "window",
  isLinked: false,
  hasReferenceLines: true,
  hasOverlay: true,
  isPlaying: false,
  framesPerSecond: 15,
  slab: "off",
  slabMm: 10,
  preset: "",
  side: "none",
};

let state = initial;
const listeners = new Set<() => void>();

export const getState = () => state;

export function setState(change: Partial<ViewerState>): void {
  state = { ...state, ...change };
  for (const listener of listeners) listener();
}

export function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useViewer<Part>(select: (state: ViewerState) => Part): Part {
  return useSyncExternalStore(subscribe, () => select(state));
}

/** Show a series in a pane; where planes are cut, it is the series that is cut. */
export function showSeries(ref: SeriesRef, pane = state.active): void {
  setState({
    panes: state.panes.map((each, index) => (index === pane ? ref : each)),
    active: pane,
    isPlaying: false,
  });
}
