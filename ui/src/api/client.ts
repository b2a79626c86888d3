/**
 * The one door to the server. Addresses are relative to where the pages are served, the session cookie goes along by
 * itself, and what fails is a {@link Problem} with the server's words (RFC 9457), in the reader's language.
 */

import { forgetEarly, takeEarly } from "./early";
import { isSomebodyThere } from "./presence";
import type { components } from "./schema";

/** The server's root: the pages live one step below it. */
export const root = new URL("../", document.baseURI);

export interface ProblemDocument {
  title: string;
  status: number;
  detail?: string;
  said?: readonly components["schemas"]["Said"][];
}

let inWords = (document: ProblemDocument): string => document.detail ?? document.title;

/** Say problems in the reader's language. Who only fetches, as the viewer's first picture is, needs no words for that. */
export function wordProblems(wording: typeof inWords): void {
  inWords = wording;
}

/** What the server said when it could not do what was asked; status 0 when it did not answer. */
export class Problem extends Error {
  readonly status: number;
  /** After how many seconds the server wants to be asked again, where it says so. */
  readonly waitS: number | undefined;

  constructor(document: ProblemDocument, waitS?: number) {
    super(inWords(document));
    this.name = "Problem";
    this.status = document.status;
    this.waitS = waitS;
  }
}

type Listener = (isThere: boolean) => void;
const listeners = new Set<Listener>();

/** Be told when the server no longer knows the session, and when there is another. Returns how to stop. */
export function onSession(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tellOfSession(isThere: boolean): void {
  for (const listener of [...listeners]) listener(isThere);
}

let csrfToken = "";

/** Keep the token that changing requests carry; it comes with the session. */
export function keepCsrfToken(token: string): void {
  const isAnother = token !== csrfToken;
  csrfToken = token;
  if (isAnother) tellOfSession(true);
}

export interface Asked {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  query?: Record<string, string | number | boolean | readonly string[] | null | undefined>;
  json?: unknown;
  body?: BodyInit;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Statuses beside 2xx that are an answer, too, and no problem. */
  answers?: readonly number[];
  /** What it brings gets there although the page is left meanwhile, unless it is long. */
  outlivesPage?: boolean;
}

/** Characters; browsers take 64 KiB of what outlives its page at one time. */
const MOST_OUTLIVING = 16_384;

/** Return the full address of a path like `api/nodes`, with a query. */
export function addressOf(path: string, query: Asked["query"] = {}): URL {
  const address = new URL(path, root);
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === "") continue;
    for (const each of Array.isArray(value) ? value : [value])
      address.searchParams.append(name, String(each));
  }
  return address;
}

/** Ask the server; the answer as it came. Throws {@link Problem}. */
export async function send(path: string, asked: Asked = {}): Promise<Response> {
  const method = asked.method ?? "GET";
  const headers = new Headers(asked.headers);
  if (!headers.has("Accept")) headers.set("Accept", "application/json");
  if (asked.json !== undefined) headers.set("Content-Type", "application/json");
  if (method !== "GET") {
    headers.set("X-CSRF-Token", csrfToken);
    forgetEarly();
  } else if (!isSomebodyThere()) headers.set("X-Background", "1");
  const body = asked.json === undefined ? asked.body : JSON.stringify(asked.json);
  const address = addressOf(path, asked.query);
  const early = method === "GET" ? takeEarly(address) : undefined;
  let answer: Response;
  try {
    answer = await (early ??
      fetch(address, {
        method,
        headers,
        credentials: "same-origin",
        ...(body === undefined ? {} : { body }),
        ...(asked.signal ? { signal: asked.signal } : {}),
        ...(asked.outlivesPage && isShort(body) ? { keepalive: true } : {}),
      }));
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem({ title: "no answer", status: 0 });
  }
  if (answer.ok || asked.answers?.includes(answer.status)) return answer;
  const problem = await problemOf(answer);
  if (answer.status === 401) tellOfSession(false);
  throw problem;
}

const isShort = (body: BodyInit | undefined) => typeof body === "string" && body.length <= MOST_OUTLIVING;

/** Ask the server for JSON. An answer without a body is `undefined`. Throws {@link Problem}. */
export async function ask<Answer>(path: string, asked: Asked = {}): Promise<Answer> {
  const answer = await send(path, asked);
  return (answer.status === 204 ? undefined : await answer.json()) as Answer;
}

async function problemOf(answer: Response): Promise<Problem> {
  const waitS = Number(answer.headers.get("Retry-After") ?? NaN) || undefined;
  try {
    return new Problem({ ...((await answer.json()) as ProblemDocument), status: answer.status }, waitS);
  } catch {
    return new Problem({ title: answer.statusText || `HTTP ${answer.status}`, status: answer.status });
  }
}
