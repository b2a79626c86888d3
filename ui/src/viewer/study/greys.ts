/**
 * Greys of a frame through the window of its own object, made without the renderer: for the picture that is shown while
 * that is on its way. Only where nothing but a straight line lies between a stored value and its grey; every other
 * frame waits for the renderer. Pure, so that it can be tested.
 */
import type { DicomObject } from "./dicomJson";
import { items, number, numbers, text } from "./dicomJson";
import { PLAIN } from "./forms";
import type { Frame } from "./frames";

export interface Greys {
  rows: number;
  columns: number;
  /** Red, green, blue and alpha of every pixel. */
  pixels: Uint8ClampedArray<ArrayBuffer>;
}

/** What lies between stored values and greys (PS3.3 C.7.6.3, C.11.1, C.11.2). */
interface Line {
  rows: number;
  columns: number;
  bytes: 1 | 2;
  /** How far a signed value is shifted up and down again for its sign; nought where there is none to find. */
  shift: number;
  isSigned: boolean;
  slope: number;
  intercept: number;
  /** What is black and what is white, in values after the line; all that there is where the object has no window. */
  window: readonly [number, number] | undefined;
  isInverted: boolean;
}

type Values = Uint8Array | Uint16Array | Int16Array;

/** More pixels than these cost more than they are early. */
const MOST_PIXELS = 2048 * 2048;
/** Tags that say of a table, of frames that differ, or of shapes that are not square. */
const TABLES = ["00283000", "00283010", "52009229", "52009230"];
const COLOURS = ["MONOCHROME1", "MONOCHROME2"];

/** Return the line of a header; `undefined` where there is more to it. */
export function lineOf(header: DicomObject): Line | undefined {
  const [rows = 0, columns = 0] = [number(header, "00280010"), number(header, "00280011")];
  const [allocated, stored] = [number(header, "00280100"), number(header, "00280101")];
  const [center, width] = [number(header, "00281050"), number(header, "00281051")];
  const [slope, intercept] = [number(header, "00281053") ?? 1, number(header, "00281052") ?? 0];
  const colours = text(header, "00280004");
  if (number(header, "00280002") !== 1 || !COLOURS.includes(colours)) return undefined;
  if (rows < 1 || columns < 1 || rows * columns > MOST_PIXELS) return undefined;
  if ((allocated !== 8 && allocated !== 16) || stored === undefined || stored < 1 || stored > allocated)
    return undefined;
  if (number(header, "00280102") !== stored - 1) return undefined;
  // A window of width 1 is a step.
  if (slope === 0 || width === 1) return undefined;
  if (!["", "LINEAR"].includes(text(header, "00281056"))) return undefined;
  // Positrons are scaled by the patient's weight.
  if (TABLES.some((tag) => items(header, tag).length > 0) || text(header, "00080060") === "PT")
    return undefined;
  if (!isSquare(numbers(header, "00280030")) || !isSquare(numbers(header, "00280034"))) return undefined;
  const isSigned = number(header, "00280103") === 1;
  return {
    rows,
    columns,
    bytes: allocated === 8 ? 1 : 2,
    shift: isSigned ? 32 - stored : 0,
    isSigned,
    slope,
    intercept,
    window:
      center !== undefined && width !== undefined && width > 1
        ? [center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2]
        : undefined,
    isInverted: colours === "MONOCHROME1",
  };
}

const isSquare = ([down, across]: readonly number[]) => across === undefined || down === across;

/** Return the greys of a frame; `undefined` where the renderer must make them. */
export function greysOf(header: DicomObject, { bytes, syntax }: Frame): Greys | undefined {
  const line = lineOf(header);
  if (!line || syntax !== PLAIN) return undefined;
  const { rows, columns, shift, slope, intercept, isInverted } = line;
  const count = rows * columns;
  if (bytes.length < count * line.bytes) return undefined;
  const values = valuesOf(bytes, line, count);
  const [lower, upper] = line.window ?? rangeOf(values, line);
  if (!(lower < upper)) return undefined;
  const words = new Uint32Array(count);
  // grey = (value * slope + intercept - lower) / (upper - lower) * 255, and 255 less that where black is white.
  const sign = isInverted ? -1 : 1;
  const factor = (sign * 255 * slope) / (upper - lower);
  const offset = (isInverted ? 255 : 0) + (sign * 255 * (intercept - lower)) / (upper - lower);
  for (let at = 0; at < count; at += 1) {
    const value = ((values[at] ?? 0) << shift) >> shift;
    const grey = Math.min(255, Math.max(0, Math.round(value * factor + offset)));
    words[at] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
  }
  return { rows, columns, pixels: new Uint8ClampedArray(words.buffer) };
}

/** The lowest and the highest value of a frame. */
function rangeOf(values: Values, { shift, slope, intercept }: Line): [number, number] {
  let [least, most] = [Infinity, -Infinity];
  for (const each of values) {
    const value = (each << shift) >> shift;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const ends = [least * slope + intercept, most * slope + intercept] as const;
  return [Math.min(...ends), Math.max(...ends)];
}

function valuesOf(bytes: Uint8Array, { bytes: size, isSigned }: Line, count: number): Values {
  if (size === 1) return bytes.subarray(0, count);
  // Words begin at even places, which a copy does.
  const { buffer } = bytes.slice();
  const Words = isSigned ? Int16Array : Uint16Array;
  return new Words(buffer, 0, count);
}
