/** Measured numbers as words: on pictures and beside them the same. */

const ROUNDED = 1;

/** A value and its unit; nothing where there is no value. */
export const inUnit = (value: unknown, unit: unknown) =>
  typeof value === "number" && Number.isFinite(value)
    ? `${value.toFixed(ROUNDED)}${typeof unit === "string" && unit ? ` ${unit}` : ""}`
    : "";
