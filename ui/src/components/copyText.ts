/** Copy a text; false where the browser lets nobody. */
export async function copyText(text: string): Promise<boolean> {
  // Browsers have no clipboard for pages that come without TLS, as in many a hospital; there it goes the old way.
  const clipboard = (navigator as Partial<Navigator>).clipboard;
  if (!clipboard) return copyAsOfOld(text);
  try {
    await clipboard.writeText(text);
    return true;
  } catch {
    return copyAsOfOld(text);
  }
}

function copyAsOfOld(text: string): boolean {
  const put = (event: ClipboardEvent) => {
    event.clipboardData?.setData("text/plain", text);
    event.preventDefault();
  };
  document.addEventListener("copy", put, { once: true });
  try {
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- there is no other way without TLS
    return document.execCommand("copy");
  } finally {
    document.removeEventListener("copy", put);
  }
}
