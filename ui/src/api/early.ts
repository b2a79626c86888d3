/**
 * Answers that are asked for before the page's own code is there. Each is taken once, by the first who asks the same;
 * one that nobody has come for by then is stale.
 */

/** Milliseconds. */
const STALE = 10_000;

const waiting = new Map<string, { answer: Promise<Response>; since: number }>();

/** Ask for an address now, for whoever asks for it next. */
export function askEarly(address: URL): void {
  const answer = fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin" });
  // Whoever takes it hears of the failure.
  answer.catch(() => undefined);
  waiting.set(address.href, { answer, since: performance.now() });
}

/** Forget what was asked for: something has changed since. */
export const forgetEarly = () => waiting.clear();

/** Take the answer that was asked for early; `undefined` where there is none, or it is old. */
export function takeEarly(address: URL): Promise<Response> | undefined {
  const found = waiting.get(address.href);
  waiting.delete(address.href);
  return found && performance.now() - found.since < STALE ? found.answer : undefined;
}
