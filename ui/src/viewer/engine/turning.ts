/** Panes that show something else than a stack, a report or a video: how keys leaf through it, and what is saved of it. */
import { useSyncExternalStore } from "react";

import { getState, stackPanes, subscribe as onState } from "../state";

export interface Turned {
  scroll: (delta: number) => void;
  /** Go to a place; counted from the end where negative. */
  goTo: (index: number) => void;
  film?: HTMLVideoElement;
}

const turned = new Map<number, Turned>();
const listeners = new Set<() => void>();

function tell(): void {
  for (const listener of listeners) listener();
}

/** Let keys turn what a pane shows. Returns how to end it. */
export function keepTurned(pane: number, what: Turned): () => void {
  turned.set(pane, what);
  tell();
  return () => {
    if (turned.get(pane) !== what) return;
    turned.delete(pane);
    tell();
  };
}

/** What the active pane shows, where it is no stack. */
export function turnedAtHand(): Turned | undefined {
  const { layout, active } = getState();
  return stackPanes[layout] > 0 ? turned.get(active) : undefined;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  const silence = onState(listener);
  return () => {
    listeners.delete(listener);
    silence();
  };
}

export const useTurned = (): Turned | undefined => useSyncExternalStore(subscribe, turnedAtHand);
