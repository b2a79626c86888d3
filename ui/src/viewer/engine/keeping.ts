/**
 * Keeps what a user marks in a study on the server: what was changed, each mark for itself, a moment after the last
 * change. What could not be kept is tried again with the next change, and with the next line.
 */
import { call } from "@/api/call";

export type Marks = ReadonlyMap<string, object>;
type Changes = Record<string, Record<string, unknown> | null>;

const QUIET_MS = 400;
/** How long to wait for a server that did not answer. */
export const AGAIN_MS = 15_000;
const AT_ONCE = 400;

export interface Keeper {
  /** Return what the server has. From then on changes are kept. */
  load: () => Promise<Marks>;
  /** Say that what is read has changed, or may have. */
  save: () => void;
  /** Keep what is left, and no more. */
  stop: () => void;
}

/** What must change on the server so that it has what is marked `now`; texts are compared. */
export function changesOf(kept: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): Changes {
  const changes: Changes = {};
  for (const [name, value] of now)
    if (kept.get(name) !== value) changes[name] = JSON.parse(value) as Record<string, unknown>;
  for (const name of kept.keys()) if (!now.has(name)) changes[name] = null;
  return changes;
}

/** Keep what `read` says of a study; `tell` hears why that failed, and `undefined` once it did not. */
export function keeper(study: string, read: () => Marks, tell: (trouble: unknown) => void): Keeper {
  const path = { study };
  let kept = new Map<string, string>();
  let isLoaded = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = Promise.resolve();

  const write = async () => {
    const now = texts(read());
    const changes = Object.entries(changesOf(kept, now));
    try {
      while (changes.length > 0) {
        const some = Object.fromEntries(changes.splice(0, AT_ONCE));
        await call("patch", "/api/studies/{study}/annotations", {
          path,
          json: { annotations: some },
          outlivesPage: true,
        });
        for (const name of Object.keys(some)) {
          const value = now.get(name);
          if (value === undefined) kept.delete(name);
          else kept.set(name, value);
        }
      }
      tell(undefined);
    } catch (error) {
      tell(error);
      later(AGAIN_MS);
    }
  };
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (isLoaded) last = last.then(write);
  };
  const later = (wait: number) => {
    clearTimeout(timer);
    timer = setTimeout(flush, wait);
  };
  const leave = () => {
    if (timer !== undefined) flush();
  };
  document.addEventListener("visibilitychange", leave);
  return {
    load: async () => {
      const { annotations } = await call("get", "/api/studies/{study}/annotations", { path });
      const found = new Map(Object.entries(annotations));
      kept = texts(found);
      isLoaded = true;
      return found;
    },
    save: () => later(QUIET_MS),
    stop: () => {
      document.removeEventListener("visibilitychange", leave);
      leave();
    },
  };
}

const texts = (marks: Marks) =>
  new Map([...marks].map(([name, mark]): [string, string] => [name, JSON.stringify(mark)]));
