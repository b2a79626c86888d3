/** The browsers that call themselves by these, in an order in which none is taken for another. */
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(?:e|A|iOS)?\/(\d+)/, "Edge"],
  [/\bOPR\/(\d+)/, "Opera"],
  [/\b(?:Firefox|FxiOS)\/(\d+)/, "Firefox"],
  [/\b(?:Headless)?(?:Chrome|CriOS|Chromium)\/(\d+)/, "Chrome"],
  [/\bVersion\/(\d+)[\d.]* (?:Mobile\/\S+ )?Safari\//, "Safari"],
];

const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\bAndroid\b/, "Android"],
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bWindows\b/, "Windows"],
  [/\bMacintosh\b/, "macOS"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bLinux\b/, "Linux"],
];

/** Name a browser by what it calls itself (User-Agent), such as "Firefox 143 · Windows"; else by just that. */
export function browserOf(client: string): string {
  const found = BROWSERS.map(([mark, name]) => ({ name, version: mark.exec(client)?.[1] })).find(
    ({ version }) => version,
  );
  if (!found) return client;
  const system = SYSTEMS.find(([mark]) => mark.test(client))?.[1];
  return [`${found.name} ${found.version ?? ""}`, system].filter(Boolean).join(" · ");
}
