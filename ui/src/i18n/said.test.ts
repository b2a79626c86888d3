import { beforeAll, expect, test } from "vitest";

import { Problem, wordProblems } from "@/api/client";

import api from "../../openapi.json";

import { learnWords, sayIn } from "./said";
import { words } from "./said.zh";
import type { Said } from "./said";

beforeAll(() => learnWords("zh-CN"));

test("every code that the server can tell has words, and nothing else has", () => {
  expect(Object.keys(words).sort()).toEqual([...api.components.schemas.Code.enum].sort());
  expect(Object.values(words).filter((each) => !/\p{Script=Han}/u.test(each))).toEqual([]);
});

const status: Said = {
  text: "A700 Out of resources: disk full",
  code: "dimse-resources",
  values: { status: "A700", remark: "disk full" },
};
const job: Said = {
  text: "given up after 5 attempts: A700 Out of resources: disk full",
  code: "given-up",
  values: { count: "5" },
  cause: [status],
};

test("a sentence is said with its cause; another system's own words stay as they are", () => {
  expect(sayIn("zh-CN", [job], job.text)).toBe("尝试 5 次后放弃：资源不足（A700）：disk full");
  expect(sayIn("en", [job], job.text)).toBe(job.text);
});

test("several sentences, an attribute by its name, and no code", () => {
  const missing: Said = {
    text: "PatientName is missing",
    code: "missing",
    values: { attribute: "PatientName" },
  };
  const foreign: Said = { text: "what a node says", code: null };
  expect(sayIn("zh-CN", [missing, foreign], "")).toBe("缺少“姓名”；what a node says");
});

test("what has no codes, or one of a later server, is in the server's words", () => {
  expect(sayIn("zh-CN", undefined, "as it is")).toBe("as it is");
  expect(sayIn("zh-CN", [], "as it is")).toBe("as it is");
  const later = { text: "of tomorrow", code: "of-tomorrow" } as unknown as Said;
  expect(sayIn("zh-CN", [later], "")).toBe("of tomorrow");
  expect(sayIn("zh-CN", [{ text: "odd", code: "conflict" }], "odd")).toBe("与现有内容冲突：odd");
});

test("a problem is told in the reader's language", () => {
  wordProblems(({ said, detail, title }) => sayIn("zh-CN", said, detail ?? title));
  const said: Said[] = [{ text: "There is no job 7.", code: "no-job", values: { number: "7" } }];
  expect(new Problem({ title: "Not Found", status: 404, detail: "There is no job 7.", said }).message).toBe(
    "没有任务 7。",
  );
  expect(new Problem({ title: "Bad Gateway", status: 502 }).message).toBe("Bad Gateway");
});
