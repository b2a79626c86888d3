import { expect, test } from "vitest";

import { readAddress, viewerAddress } from "./address";

const base = new URL("http://h/pacs/ui/");
const opened = (...given: Parameters<typeof viewerAddress>) =>
  readAddress(new URL(viewerAddress(...given), base), base);

test.each([
  [["1.2"], undefined],
  [["1.2", "1.3", "1.4"], undefined],
  [["1.2"], "5.6"],
  [["a/b?c&d#e"], "ü"],
])("%j of series %s is read as it was written", (studies, series) => {
  expect(opened(studies, series)).toEqual({ studies, series });
});

test("no study is no study, and one is enough", () => {
  expect(readAddress(new URL("http://h/pacs/ui/viewer"), base).studies).toEqual([]);
  expect(opened(["1", "1"]).studies).toEqual(["1"]);
});
