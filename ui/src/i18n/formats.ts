/** Dates, numbers and names as people read them, from what DICOM writes. Whatever makes no sense is shown as it is. */

/** Keep what is made for a language: to make a format takes a hundred times as long as to use one. */
function kept<Format>(make: (language: string) => Format): (language: string) => Format {
  const made = new Map<string, Format>();
  return (language) => {
    let format = made.get(language);
    if (!format) made.set(language, (format = make(language)));
    return format;
  };
}

const dayFormat = kept(
  (language) => new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" }),
);
const countFormat = kept((language) => new Intl.NumberFormat(language));

const DATE = /^(\d{4})(\d{2})(\d{2})$/;
const TIME = /^(\d{2})(\d{2})?(\d{2})?(?:\.\d+)?$/;

/** Show a DICOM date (DA) in the reader's way. */
export function showDate(value: string | undefined, language: string): string {
  const parts = DATE.exec(value ?? "");
  if (!parts) return value ?? "";
  const [year, month, day] = parts.slice(1).map(Number) as [number, number, number];
  const date = new Date(Date.UTC(year, month - 1, day));
  if (date.getUTCMonth() !== month - 1) return value ?? "";
  return dayFormat(language).format(date);
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
  return countFormat(language).format(count);
}

/** Show a moment (microseconds since 1970): the time today, date and time on other days. */
export function showMoment(us: number, language: string, now = new Date()): string {
  const then = new Date(us / 1000);
  const isToday = then.toDateString() === now.toDateString();
  const format: Intl.DateTimeFormatOptions = isToday
    ? { timeStyle: "medium" }
    : { dateStyle: "medium", timeStyle: "short" };
  return new Intl.DateTimeFormat(language, format).format(then);
}

/** Show how long something took or lasts, in its two largest units. */
export function showDuration(seconds: number, language: string): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts: [number, string][] = [
    [Math.floor(whole / 86400), "day"],
    [Math.floor(whole / 3600) % 24, "hour"],
    [Math.floor(whole / 60) % 60, "minute"],
    [whole % 60, "second"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return unitOf(0, "second", language);
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => unitOf(count, unit, language))
    .join(" ");
}

function unitOf(count: number, unit: string, language: string): string {
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "narrow" }).format(count);
}
