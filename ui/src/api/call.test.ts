import { afterEach, beforeEach, expect, expectTypeOf, test, vi } from "vitest";

import { call } from "./call";
import type { Answer, Schemas } from "./call";

const asked: { address: string; method: string | undefined; body: unknown }[] = [];
const outlived: (boolean | undefined)[] = [];

beforeEach(() => {
  asked.length = outlived.length = 0;
  vi.stubGlobal("fetch", (address: URL, how: RequestInit) => {
    asked.push({ address: address.pathname + address.search, method: how.method, body: how.body });
    outlived.push(how.keepalive);
    return Promise.resolve(new Response("{}", { status: 200 }));
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
});

test("a path's braces are filled, whatever the values hold", async () => {
  await call("post", "/api/access/refusals/{refusal_id}/admit", {
    path: { refusal_id: 7 },
    json: { port: 104 },
  });
  expect(asked).toEqual([{ address: "/api/access/refusals/7/admit", method: "POST", body: '{"port":104}' }]);
  await call("get", "/api/nodes/{ae_title}", { path: { ae_title: "A/B ?" } });
  expect(asked[1]?.address).toBe("/api/nodes/A%2FB%20%3F");
});

test("a query goes along", async () => {
  await call("get", "/api/jobs", { query: { limit: 5, before: null, kind: ["send", "retrieve"] } });
  expect(asked[0]?.address).toBe("/api/jobs?limit=5&kind=send&kind=retrieve");
});

test("what is to get there outlives its page, unless browsers would refuse to carry so much", async () => {
  const keep = (text: string, outlivesPage = true) =>
    call("patch", "/api/studies/{study}/annotations", {
      path: { study: "1.2" },
      json: { annotations: { mark: { text } } },
      outlivesPage,
    });
  await keep("short");
  await keep("long".repeat(10_000));
  await keep("short", false);
  expect(outlived).toEqual([true, undefined, undefined]);
});

test("what comes back has the server's type", () => {
  expectTypeOf<Answer<"get", "/api/status">>().toEqualTypeOf<Schemas["Status"]>();
  // @ts-expect-error: nobody may delete the status
  type Nothing = Answer<"delete", "/api/status">;
  expectTypeOf<Nothing>().not.toBeUndefined();
});
