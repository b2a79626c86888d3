import { afterEach, expect, test, vi } from "vitest";

import { copyText } from "./copyText";

afterEach(() => vi.unstubAllGlobals());

/** What a page without TLS has: no clipboard, and the command of old, which asks the page for what to copy. */
function withoutTls(answers: boolean) {
  vi.stubGlobal("navigator", {});
  const copied: string[] = [];
  const execCommand = () => {
    const event = new Event("copy", { cancelable: true });
    Object.assign(event, { clipboardData: { setData: (_type: string, text: string) => copied.push(text) } });
    document.dispatchEvent(event);
    return answers;
  };
  Object.assign(document, { execCommand });
  return copied;
}

test("a text is copied by the clipboard where there is one", async () => {
  const writeText = vi.fn(() => Promise.resolve());
  vi.stubGlobal("navigator", { clipboard: { writeText } });
  expect(await copyText("CALOTYPE")).toBe(true);
  expect(writeText).toHaveBeenCalledWith("CALOTYPE");
});

test("without TLS a text is copied as well, once", async () => {
  const copied = withoutTls(true);
  expect(await copyText("11112")).toBe(true);
  expect(copied).toEqual(["11112"]);
  document.dispatchEvent(new Event("copy"));
  expect(copied).toEqual(["11112"]);
});

test("that nothing was copied is told", async () => {
  withoutTls(false);
  expect(await copyText("11112")).toBe(false);
});
