import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { keepCsrfToken } from "./client";
import { listen } from "./events";

class Line extends EventTarget {
  static readonly CLOSED = 2;
  static lines: Line[] = [];
  readyState = 1;
  onopen?: () => void;
  onerror?: (event: Event) => void;

  constructor(readonly url: URL) {
    super();
    Line.lines.push(this);
  }

  close() {
    this.readyState = Line.CLOSED;
  }

  tell(name: string, data: unknown) {
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }));
  }

  lose(readyState: number) {
    this.readyState = readyState;
    this.onerror?.({ target: this } as unknown as Event);
  }
}

const told = vi.fn();
const returned = vi.fn();
let stop: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("EventSource", Line);
  vi.stubGlobal(
    "fetch",
    vi.fn(() => Promise.resolve(new Response("{}", { status: 401 }))),
  );
  keepCsrfToken("first");
  stop = listen("api/events", () => ({}), { change: told }, returned);
});
afterEach(() => {
  stop();
  Line.lines = [];
  vi.unstubAllGlobals();
  vi.useRealTimers();
  vi.clearAllMocks();
});

function last(): Line {
  const line = Line.lines.at(-1);
  if (!line) throw new Error("there is no line");
  return line;
}

test("events are heard by name, until nobody listens", () => {
  last().onopen?.();
  last().tell("change", { study: "1.2" });
  last().tell("job", {});
  expect(told.mock.calls).toEqual([[{ study: "1.2" }]]);
  expect(returned).not.toHaveBeenCalled();
  stop();
  expect(last().readyState).toBe(Line.CLOSED);
});

test("a line that the browser takes up again is the same", () => {
  last().lose(0);
  last().onopen?.();
  expect(returned.mock.calls).toEqual([[false]]);
  expect(Line.lines).toHaveLength(1);
});

test("a session that has ended is found out, and another one opens another line at once", async () => {
  last().lose(Line.CLOSED);
  await vi.advanceTimersByTimeAsync(0);
  expect(fetch).toHaveBeenCalledOnce();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(Line.lines).toHaveLength(1);
  keepCsrfToken("second");
  expect(Line.lines).toHaveLength(2);
  last().onopen?.();
  expect(returned.mock.calls).toEqual([[true]]);
});

test("a server that is away for a moment is asked again", async () => {
  vi.mocked(fetch).mockImplementation(() => Promise.reject(new TypeError("no route")));
  last().lose(Line.CLOSED);
  await vi.advanceTimersByTimeAsync(5000);
  expect(Line.lines).toHaveLength(2);
});
