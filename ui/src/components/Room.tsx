/** Keeps the room of what comes a moment later, so that nothing moves when it does. */
export function Room({ width, height }: { width: number | string; height: number }) {
  return <span data-later style={{ display: "inline-block", flex: "none", width, height }} />;
}
