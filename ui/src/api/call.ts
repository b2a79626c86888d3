/**
 * {@link ask} with the server's own types: a path of its OpenAPI document and a method say what goes in and comes out.
 *
 *     const jobs = await call("get", "/api/jobs", { query: { limit: 50 } });
 *     await call("post", "/api/jobs/{job_id}/cancel", { path: { job_id } });
 *
 * `schema.d.ts` is made from `ui/openapi.json` (`npm run api`), that from the server (`make docs`).
 */
import { ask } from "./client";
import type { Asked } from "./client";
import type { components, paths } from "./schema";

/** What the server calls its things: `Schemas["Job"]`. */
export type Schemas = components["schemas"];

type Method = "get" | "post" | "put" | "patch" | "delete";
interface Described {
  parameters: object;
  responses: object;
}

/** The paths that take a method. */
export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, Described> ? P : never;
}[keyof paths];

type Operation<M extends Method, P extends PathOf<M>> = paths[P] extends Record<M, infer O> ? O : never;

type Json<Body> = Body extends { content: { "application/json": infer Inner } } ? Inner : undefined;
type Good<Responses> = Responses[Extract<keyof Responses, 200 | 201 | 202 | 204>];

/** What comes back: JSON, or `undefined` where the server sends no body. */
export type Answer<M extends Method, P extends PathOf<M>> =
  Operation<M, P> extends { responses: infer Responses } ? Json<Good<Responses>> : never;

type InPath<O> = O extends { parameters: { path: infer Values extends object } } ? { path: Values } : unknown;
type InQuery<O> = O extends { parameters: { query: infer Values extends object } }
  ? { query: Values }
  : O extends { parameters: { query?: infer Values } }
    ? { query?: Values }
    : unknown;
type InBody<O> = O extends { requestBody: { content: { "application/json": infer Body } } }
  ? { json: Body }
  : unknown;

/** What goes in: values for the braces of the path, a query, a body. */
export type Values<M extends Method, P extends PathOf<M>> = InPath<Operation<M, P>> &
  InQuery<Operation<M, P>> &
  InBody<Operation<M, P>> &
  Pick<Asked, "signal" | "outlivesPage">;

type Arguments<V> = object extends V ? [values?: V] : [values: V];

/** Ask the server for what its document describes. Throws `Problem`. */
export async function call<M extends Method, P extends PathOf<M>>(
  method: M,
  path: P,
  ...[values]: Arguments<Values<M, P>>
): Promise<Answer<M, P>> {
  const { path: inPath = {}, ...rest }: Loose = values ?? {};
  const address = path.replace(/\{(\w+)\}/g, (_braces, name: string) =>
    encodeURIComponent(String(inPath[name])),
  );
  return ask(address.slice(1), { method: method.toUpperCase() as Uppercase<M>, ...rest });
}

interface Loose extends Omit<Asked, "method"> {
  path?: Record<string, unknown>;
}
