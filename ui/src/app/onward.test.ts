import { expect, test } from "vitest";

import { wayOnward } from "./onward";

const ROOT = new URL("https://pacs.example/");
const lead = (next: string, root = ROOT) =>
  wayOnward(`?next=${encodeURIComponent(next)}`, root)?.href ?? null;

test.each([
  "/ohif/viewer?StudyInstanceUIDs=1.2&hangingProtocolId=mpr",
  "/weasis?studyUID=1.2",
  "/IHEInvokeImageDisplay?requestType=STUDY&studyUID=1.2",
  "/ui/studies?q=a%20b",
  "/",
])("%s leads on", (next) => {
  expect(lead(next)).toBe(`https://pacs.example${next}`);
});

test.each([
  "",
  "//evil.example",
  "//evil.example/ohif/",
  "/\\evil.example",
  "\\\\evil.example",
  "\\/evil.example",
  "/\t/evil.example",
  "/\n//evil.example",
  "/ohif/\r\nSet-Cookie: a=b",
  "\u0000/ohif/",
  "javascript:alert(1)",
  "JaVaScRiPt:alert(1)",
  "data:text/html,x",
  "https://evil.example/",
  "https:evil.example",
  "http:/evil.example",
  "evil.example",
  "@evil.example",
  "ohif/",
  "/ui/login?next=/",
])("%j leads nowhere", (next) => {
  expect(lead(next)).toBeNull();
});

test("dots lead to no other host", () => {
  expect(lead("/..//evil.example")).toBe("https://pacs.example//evil.example");
  expect(lead("/.//evil.example")).toBe("https://pacs.example//evil.example");
});

test("below a path only what lies there is ours", () => {
  const root = new URL("https://hospital.example/pacs/");
  expect(lead("/pacs/ohif/", root)).toBe("https://hospital.example/pacs/ohif/");
  expect(lead("/mail/", root)).toBeNull();
  expect(lead("/pacs/../mail/", root)).toBeNull();
  expect(lead("/pacs/ui/login", root)).toBeNull();
});

test("without a way there is none", () => {
  expect(wayOnward("", ROOT)).toBeNull();
});
