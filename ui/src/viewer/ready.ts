/**
 * Tells whoever drives the page (tests, scripts) whether every pane of the layout has been drawn: by a flag, and by
 * `<html data-viewer="ready">`, which can be waited for without evaluating anything.
 */
import { pageShown } from "@/app/first";

declare global {
  interface Window {
    __viewerReady?: boolean;
  }
}

let waiting = 0;

function tell(): void {
  window.__viewerReady = waiting === 0;
  if (waiting === 0) pageShown();
  document.documentElement.dataset.viewer = waiting === 0 ? "ready" : "loading";
}

/** A pane begins to load; call what is returned when it has been drawn, or was given up. */
export function beginLoading(): () => void {
  waiting += 1;
  tell();
  let isOver = false;
  return () => {
    if (isOver) return;
    isOver = true;
    waiting -= 1;
    tell();
  };
}
