/** Dates, numbers and names as people read them, from what DICOM writes. Whatever makes no sense is shown as it is. */

const DATE = /^(\d{4})(\d{2})(\d{2})$/;
const TIME = /^(\d{2})(\d{2})?(\d{2})?(?:\.\d+)?$/;

/** Show a DICOM date (DA) in the reader's way. */
export function showDate(value: string | undefined, language: string): string {
  const parts = DATE.exec(value ?? "");
  if (!parts) return value ?? "";
  const [year, month, day] = parts.slice(1).map(Number) as [number, number, number];
  const date = new Date(Date.UTC(year, month - 1, day));
  if (date.getUTCMonth() !== month - 1) return value ?? "";
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" }).format(date);
}

/** Show a DICOM time (TM) as hours and minutes. */
export function showTime(value: string | undefined): string {
  const parts = TIME.exec(value ?? "");
  return parts ? `${parts[1] ?? ""}:${parts[2] ?? "00"}` : (value ?? "");
}

/**
 * Show a person's name (PN): the ideographic group for readers of Chinese, the alphabetic one for others, each with
 * the other behind it where both are there.
 */
export function showName(value: string | undefined, language: string): string {
  const [alphabetic = "", ideographic = ""] = (value ?? "").split("=").map(plain);
  const order = language.startsWith("zh") ? [ideographic, alphabetic] : [alphabetic, ideographic];
  const [first = "", second = ""] = order.filter(Boolean);
  return second && second !== first ? `${first} (${second})` : first;
}

function plain(group: string): string {
  const [family = "", given = "", middle = "", prefix = "", suffix = ""] = group
    .split("^")
    .map((each) => each.trim());
  const isHan = /\p{Script=Han}/u.test(group);
  const name = isHan ? family + given + middle : [family, given, middle].filter(Boolean).join(" ");
  return [prefix, name, suffix].filter(Boolean).join(" ");
}

const UNITS = ["B", "KB", "MB", "GB", "TB", "PB"];

/** Show a size: three digits and a unit of thousands. */
export function showBytes(bytes: number, language: string): string {
  let unit = 0;
  while (bytes >= 1000 && unit < UNITS.length - 1) {
    bytes /= 1000;
    unit += 1;
  }
  return `${new Intl.NumberFormat(language, { maximumSignificantDigits: 3 }).format(bytes)} ${UNITS[unit] ?? ""}`;
}

/** Show a number with the reader's separators. */
export function showCount(count: number, language: string): string {
  return new Intl.NumberFormat(language).format(count);
}
