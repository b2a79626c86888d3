/** Plays a stack as a film. */
import { utilities } from "@cornerstonejs/tools";

/** Play what `element` shows, again and again. Returns how to stop. */
export function play(element: HTMLDivElement, framesPerSecond: number): () => void {
  utilities.cine.playClip(element, { framesPerSecond, loop: true, dynamicCineEnabled: false });
  return () => utilities.cine.stopClip(element);
}
