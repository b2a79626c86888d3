/** Keys as keyboards have them on their caps. */
const SIGNS: Record<string, string> = {
  ArrowUp: "↑",
  ArrowDown: "↓",
  PageUp: "PgUp",
  PageDown: "PgDn",
  Home: "Home",
  End: "End",
  Escape: "Esc",
  Backspace: "⌫",
  Delete: "Del",
};
export const SHIFT = "⇧";

/** A key as it is shown; `space` is the word for the longest one. */
export function signOf(key: string, space: string): string {
  if (key === " ") return space;
  return SIGNS[key] ?? (/^[A-Z]$/.test(key) ? `${SHIFT} ${key}` : key.toUpperCase());
}
