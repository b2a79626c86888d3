/** Panes that show something else than a stack, a report or a video: how keys leaf through it, and what is saved of it. */
import { getState, stackPanes } from "../state";

export interface Turned {
  scroll: (delta: number) => void;
  /** Go to a place; counted from the end where negative. */
  goTo: (index: number) => void;
  film?: HTMLVideoElement;
}

const turned = new Map<number, Turned>();

/** Let keys turn what a pane shows. Returns how to end it. */
export function keepTurned(pane: number, what: Turned): () => void {
  turned.set(pane, what);
  return () => {
    if (turned.get(pane) === what) turned.delete(pane);
  };
}

/** What the active pane shows, where it is no stack. */
export function turnedAtHand(): Turned | undefined {
  const { layout, active } = getState();
  return stackPanes[layout] > 0 ? turned.get(active) : undefined;
}
