/** Days as the address bar and DICOM write them: YYYYMMDD, in the reader's calendar. */

export function dayOf(date: Date): string {
  const two = (part: number) => String(part).padStart(2, "0");
  return `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`;
}

export function shifted(day: string, days: number): string {
  return dayOf(
    new Date(Number(day.slice(0, 4)), Number(day.slice(4, 6)) - 1, Number(day.slice(6, 8)) + days),
  );
}

/** As fields of the browser have it. */
export const toField = (day: string) => day.replace(/^(\d{4})(\d{2})(\d{2})$/, "$1-$2-$3");
export const fromField = (value: string) => value.replaceAll("-", "");
export const toTimeField = (time: string) => time.replace(/^(\d{2})(\d{2}).*$/, "$1:$2");
export const fromTimeField = (value: string) => value.replaceAll(":", "");
