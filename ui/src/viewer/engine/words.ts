/** Measured numbers as words: on pictures and beside them the same. */

/** Centre and width of a window (PS3.3 C.11.2.1.2); of floating point the exact one, in digits that tell it apart. */
export function windowInWords({ lower, upper }: { lower: number; upper: number }, isFloat: boolean) {
  if (!isFloat)
    return {
      center: String(Math.round((lower + upper + 1) / 2)),
      width: String(Math.round(upper - lower + 1)),
    };
  const digits = Math.min(8, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(upper - lower) || 1))));
  return { center: ((lower + upper) / 2).toFixed(digits), width: (upper - lower).toFixed(digits) };
}

const ROUNDED = 1;

/** A value and its unit; nothing where there is no value. */
export const inUnit = (value: unknown, unit: unknown) =>
  typeof value === "number" && Number.isFinite(value)
    ? `${value.toFixed(ROUNDED)}${typeof unit === "string" && unit ? ` ${unit}` : ""}`
    : "";
