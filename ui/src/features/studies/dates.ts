/** Study dates as the list's filter has them: a preset, counted from today, or days as DICOM writes them. */

export const presets = ["today", "yesterday", "week", "month", "quarter", "year"] as const;
export type Preset = (typeof presets)[number];

/** How many days before today a preset begins, and ends. */
const DAYS: Record<Preset, readonly [number, number]> = {
  today: [0, 0],
  yesterday: [1, 1],
  week: [6, 0],
  month: [29, 0],
  quarter: [89, 0],
  year: [364, 0],
};

export function isPreset(value: string): value is Preset {
  return value in DAYS;
}

/** Return the DICOM range of a filter: a preset's days, or the range itself. */
export function datesOf(value: string, today: Date): string {
  if (!isPreset(value)) return value;
  const [first, last] = DAYS[value].map((days) => toDicom(daysBefore(today, days))) as [string, string];
  return first === last ? first : `${first}-${last}`;
}

/** Return `YYYYMMDD` of a day in the reader's own calendar. */
export function toDicom(day: Date): string {
  const two = (number: number) => String(number).padStart(2, "0");
  return `${String(day.getFullYear()).padStart(4, "0")}${two(day.getMonth() + 1)}${two(day.getDate())}`;
}

/** Read both ends of a range of days, `YYYY-MM-DD` as date fields have them; empty where it is open. */
export function endsOf(value: string): [string, string] {
  const [first = "", last = first] = value.split("-");
  return [toField(first), toField(last)];
}

/** Write a range from date fields' `YYYY-MM-DD`, either of which may be empty. */
export function rangeOf(first: string, last: string): string {
  const [from, to] = [first.replaceAll("-", ""), last.replaceAll("-", "")];
  if (!from && !to) return "";
  return from === to ? from : `${from}-${to}`;
}

function toField(day: string): string {
  return /^\d{8}$/.test(day) ? `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}` : "";
}

function daysBefore(day: Date, days: number): Date {
  const before = new Date(day);
  before.setDate(before.getDate() - days);
  return before;
}
