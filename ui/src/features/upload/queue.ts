/**
 * What is being uploaded, outside of React: it goes on while one looks at other pages.
 *
 * Small files go together in one request; should one of such a request be refused, its files go again one by one, so
 * that every file has its own result (what is stored already is recognised, and stored once). While nobody is there to
 * take them files wait, and go on by themselves. They are sent from where they lie and never held in memory.
 */
import { isZip } from "./files";
import type { Found } from "./files";
import { store } from "./stow";
import type { Held, Taken } from "./stow";

export type State = "waiting" | "sending" | "stored" | "skipped" | "failed";

export interface Item extends Found {
  state: State;
  why: string;
  parts?: Taken["parts"];
}

export interface Counts {
  all: number;
  stored: number;
  skipped: number;
  failed: number;
  isRunning: boolean;
  /** Why nothing goes on for now; empty while it does. */
  held: Held | "";
}

const WORKERS = 3;
const BATCH_FILES = 25;
const BATCH_BYTES = 16 * 1024 * 1024;
/** How long a request that nobody took waits before it is sent again. */
const PATIENCE_MS = 3000;

/** Wait for some time, or until nothing is to be sent any more. */
function patience(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, PATIENCE_MS);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

export class UploadQueue {
  private items: Item[] = [];
  private next = 0;
  private workers = 0;
  private stopping = new AbortController();
  private listeners = new Set<() => void>();
  private counts: Counts = { all: 0, stored: 0, skipped: 0, failed: 0, isRunning: false, held: "" };
  /** Why each worker that waits does. */
  private held: Held[] = [];

  constructor(
    private readonly send: typeof store = store,
    private readonly wait: typeof patience = patience,
  ) {}

  /** Be told of changes. Returns how to stop. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = (): Counts => this.counts;

  /** Those that did not get into the archive. */
  failures(): Item[] {
    return this.items.filter((item) => item.state === "failed");
  }

  /** What became of each file so far; first what somebody may have to see to. */
  results(): Item[] {
    const states: readonly State[] = ["failed", "skipped", "stored"];
    return states.flatMap((state) => this.items.filter((item) => item.state === state));
  }

  add(found: readonly Found[]): void {
    // One by one: spread into the arguments of a call, ten thousands are too many.
    for (const each of found) this.items.push({ ...each, state: "waiting", why: "" });
    this.run();
  }

  retry(): void {
    const again = this.failures();
    this.items = this.items.filter((item) => item.state !== "failed");
    this.next = this.items.length;
    this.add(again);
  }

  /** Send nothing more; what is on its way is given up. */
  stop(): void {
    this.stopping.abort();
    this.stopping = new AbortController();
    for (const item of this.items)
      if (item.state === "waiting") this.settle(item, { state: "failed", why: "stopped" });
    this.tell();
  }

  clear(): void {
    if (this.workers > 0) return;
    this.items = [];
    this.next = 0;
    this.tell();
  }

  private run(): void {
    while (this.workers < WORKERS && this.workers < this.items.length - this.next) {
      this.workers += 1;
      void this.work();
    }
    this.tell();
  }

  private async work(): Promise<void> {
    for (let batch = this.take(); batch.length > 0; batch = this.take()) {
      const result = await this.deliver(batch);
      if (result.state === "stored" || batch.length === 1)
        for (const item of batch) this.settle(item, result);
      else for (const item of batch) this.settle(item, await this.deliver([item]));
      this.tell();
    }
    this.workers -= 1;
    this.tell();
  }

  /** Send files until somebody has taken or refused them, or nothing is to be sent any more. */
  private async deliver(items: readonly Item[]): Promise<Taken> {
    const { signal } = this.stopping;
    for (;;) {
      if (signal.aborted) return { state: "failed", why: "stopped" };
      const result = await this.send(items, signal);
      if (result.state !== "held") return result;
      this.held.push(result.why);
      this.tell();
      await this.wait(signal);
      this.held.splice(this.held.indexOf(result.why), 1);
    }
  }

  private take(): Item[] {
    const batch: Item[] = [];
    let bytes = 0;
    for (; this.next < this.items.length && batch.length < BATCH_FILES; this.next += 1) {
      const item = this.items[this.next];
      if (item?.state !== "waiting") continue;
      if (batch.length > 0 && (isZip(item.file) || bytes + item.file.size > BATCH_BYTES)) break;
      item.state = "sending";
      batch.push(item);
      bytes += item.file.size;
      if (isZip(item.file)) {
        this.next += 1;
        break;
      }
    }
    return batch;
  }

  private settle(item: Item, result: Taken): void {
    item.state = result.state;
    item.why = result.why;
    item.parts = result.parts;
  }

  private tell(): void {
    const count = (state: State) => this.items.reduce((sum, item) => sum + Number(item.state === state), 0);
    this.counts = {
      all: this.items.length,
      stored: count("stored"),
      skipped: count("skipped"),
      failed: count("failed"),
      isRunning: this.workers > 0,
      held: this.held[0] ?? "",
    };
    for (const listener of this.listeners) listener();
  }
}

export const uploads = new UploadQueue();
