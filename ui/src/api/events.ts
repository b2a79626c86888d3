/**
 * Server-sent events for as long as a page shows what they tell. A browser connects again by itself when a line is
 * lost, but gives up for good when it is refused: then it is found out here whether the session has ended, and a new
 * line is opened when there is one again.
 */
import { addressOf, ask, onSession } from "./client";
import type { Asked } from "./client";

/** Milliseconds until a server that refuses for another reason is asked again. */
const PAUSE = 5000;

type Handlers = Record<string, (data: unknown) => void>;

/**
 * Hear of events by name. `query` is asked for each line that is opened. `onReturn` is called when there is a line
 * again; `isNew` when it is another one, on which the time between is told of only if the query says from where.
 * Returns how to stop.
 */
export function listen(
  path: string,
  query: () => Asked["query"],
  handlers: Handlers,
  onReturn?: (isNew: boolean) => void,
): () => void {
  let events: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isLost = false;
  let isNew = false;

  const open = () => {
    clearTimeout(timer);
    events?.close();
    events = new EventSource(addressOf(path, query()));
    for (const [name, tell] of Object.entries(handlers))
      events.addEventListener(name, (event: MessageEvent<string>) => tell(JSON.parse(event.data)));
    events.onopen = () => {
      if (isLost) onReturn?.(isNew);
      isLost = isNew = false;
    };
    events.onerror = (event) => {
      isLost = true;
      if ((event.target as EventSource).readyState === EventSource.CLOSED) void refused();
    };
  };
  const refused = async () => {
    isNew = true;
    clearTimeout(timer);
    timer = setTimeout(open, PAUSE);
    try {
      await ask("api/session");
    } catch {
      // That the session has ended is told by then to whoever waits for it.
    }
  };
  const stopWaiting = onSession((isThere) => {
    if (!isNew) return;
    clearTimeout(timer);
    if (isThere) open();
  });
  open();
  return () => {
    stopWaiting();
    clearTimeout(timer);
    events?.close();
  };
}
