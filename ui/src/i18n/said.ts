/**
 * What the server says, in the reader's language. Its sentences are English and come with codes; what has none, such
 * as the words of another system, is shown as it is.
 */
import i18next from "i18next";

import type { components } from "@/api/schema";

export type Said = components["schemas"]["Said"];
export type Code = components["schemas"]["Code"];

type Words = Readonly<Record<string, string | undefined>>;
let learnt: { words: Words; attributes: Words } = { words: {}, attributes: {} };

/** Have the words of a language at hand; until then the server's own are shown. They are brought only to who needs them. */
export async function learnWords(language: string): Promise<void> {
  if (language !== "zh-CN") return;
  // Without them the server's own will do.
  learnt = await import("./said.zh").catch(() => learnt);
}

/** Return in words what was said; `text` is the server's own. */
export function sayIn(language: string, said: readonly Said[] | undefined, text: string): string {
  if (!language.startsWith("zh") || !said?.length) return text;
  return said.map((each) => sentence(language, each)).join("；");
}

/** {@link sayIn} the language of the pages. */
export function worded(said: readonly Said[] | undefined, text: string): string {
  return sayIn(i18next.language || "en", said, text);
}

function sentence(language: string, { text, code, values = {}, cause }: Said): string {
  // A server may be newer than a page that is open.
  const template = code && learnt.words[code];
  if (!template) return text;
  const filled: Record<string, string> = {
    ...values,
    text,
    cause: sayIn(language, cause, ""),
    remark: values.remark ? `：${values.remark}` : "",
    attribute: learnt.attributes[values.attribute ?? ""] ?? values.attribute ?? "",
  };
  return template.replace(/\{(\w+)\}/g, (_braces, name: string) => filled[name] ?? "");
}
