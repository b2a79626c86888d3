/**
 * How the pixels of an object come to the viewer: as they are stored, uncompressed by the server, or as a picture that
 * the server has made. One table decides, by what the header says of the pixels and by the transfer syntax they are
 * stored in; the first row that fits counts. Pure, so that it can be tested row by row.
 */
import type { DicomElement, DicomObject } from "./dicomJson";
import { items, number, text } from "./dicomJson";

/** `picture` is for colours alone: it has no values that anybody measures. */
export type Way = "stored" | "plain" | "picture";

/** How uncompressed samples are written, where that is not what the loader takes: see `samplesOf`. */
export type Samples = "as-told" | "bit" | "double" | "long";

/** Transfer syntaxes by what follows `1.2.840.10008.1.2`; uncompressed ones all come as `.1`. */
const ROOT = "1.2.840.10008.1.2";
export const PLAIN = `${ROOT}.1`;
const [RLE, JPEG, LOSSLESS_JPEG, LOSSLESS_JPEG_1] = [".5", ".4.50", ".4.57", ".4.70"];
const JPEG_LS = [".4.80", ".4.81"];
const JPEG_2000 = [".4.90", ".4.91", ".4.201", ".4.202", ".4.203"];

export interface Row {
  name: string;
  fits: (pixels: Pixels) => boolean;
  /** Transfer syntaxes of which the browser's decoders make the right picture. */
  decodes: readonly string[];
  /** What is asked for in any other. */
  otherwise: Exclude<Way, "stored">;
  samples?: Exclude<Samples, "as-told">;
}

/** What a header says of its pixels (PS3.3 C.7.6.3). */
export interface Pixels {
  samples: number;
  allocated: number;
  isFloat: boolean;
  isPlanar: boolean;
  colours: string;
}

const isColour = ({ samples }: Pixels) => samples > 1;

const GREY: Row = {
  name: "grey and palettes",
  fits: () => true,
  decodes: [".1", RLE, JPEG, LOSSLESS_JPEG, LOSSLESS_JPEG_1, ...JPEG_LS, ...JPEG_2000],
  otherwise: "plain",
};

export const rows: readonly Row[] = [
  {
    name: "floating point of 64 bits",
    fits: ({ isFloat, allocated }) => isFloat && allocated === 64,
    decodes: [],
    otherwise: "plain",
    samples: "double",
  },
  { name: "floating point", fits: ({ isFloat }) => isFloat, decodes: [], otherwise: "plain" },
  {
    name: "single bits",
    fits: ({ allocated }) => allocated === 1,
    decodes: [],
    otherwise: "plain",
    samples: "bit",
  },
  {
    // The loader cuts them to 8 bits at the wrong end.
    name: "colours of more than 8 bits",
    fits: (pixels) => isColour(pixels) && pixels.allocated > 8,
    decodes: [],
    otherwise: "picture",
  },
  {
    name: "colours in planes",
    fits: (pixels) => isColour(pixels) && pixels.isPlanar,
    decodes: [".1", RLE],
    otherwise: "picture",
  },
  {
    // Without a marker a browser takes every JPEG for YCbCr; the server looks closer.
    name: "RGB",
    fits: ({ colours }) => colours === "RGB",
    decodes: [".1", RLE, LOSSLESS_JPEG_1, ...JPEG_LS, ...JPEG_2000],
    otherwise: "picture",
  },
  {
    name: "YCbCr",
    fits: ({ colours }) => colours === "YBR_FULL",
    decodes: [".1", RLE, JPEG],
    otherwise: "picture",
  },
  {
    // Uncompressed, two pixels share a colour, of which the loader knows nothing.
    name: "YCbCr, two pixels to a colour",
    fits: ({ colours }) => colours === "YBR_FULL_422",
    decodes: [JPEG],
    otherwise: "picture",
  },
  {
    name: "colours that JPEG 2000 transforms",
    fits: ({ colours }) => colours === "YBR_RCT" || colours === "YBR_ICT",
    decodes: JPEG_2000,
    otherwise: "picture",
  },
  { name: "other colours", fits: isColour, decodes: [], otherwise: "picture" },
  {
    name: "integers of 64 bits",
    fits: ({ allocated }) => allocated === 64,
    decodes: [],
    otherwise: "plain",
    samples: "long",
  },
  { name: "integers of 32 bits", fits: ({ allocated }) => allocated > 16, decodes: [], otherwise: "plain" },
  GREY,
];

const FLOAT = "7FE00008";
const DOUBLE = "7FE00009";

export function pixelsOf(header: DicomObject): Pixels {
  const isDouble = header[DOUBLE] !== undefined;
  const isFloat = isDouble || header[FLOAT] !== undefined;
  return {
    samples: number(header, "00280002") ?? 1,
    allocated: number(header, "00280100") ?? (isDouble ? 64 : isFloat ? 32 : 16),
    isFloat,
    isPlanar: number(header, "00280006") === 1,
    colours: text(header, "00280004"),
  };
}

export function rowOf(header: DicomObject): Row {
  const pixels = pixelsOf(header);
  return rows.find((row) => row.fits(pixels)) ?? GREY;
}

/** How frames of an object come that is stored in `syntax`. */
export function wayOf(header: DicomObject, syntax: string): Way {
  const { decodes, otherwise } = rowOf(header);
  return decodes.some((end) => ROOT + end === syntax) ? "stored" : otherwise;
}

/** How frames come whatever they are stored in; `undefined` where that matters. */
export function wayOfAll(header: DicomObject): Way | undefined {
  const { decodes, otherwise } = rowOf(header);
  return decodes.length === 0 ? otherwise : undefined;
}

const told = (vr: string, value: unknown): DicomElement => ({ vr, Value: [value] });
const BYTES = { "00280100": told("US", 8), "00280101": told("US", 8), "00280102": told("US", 7) };
const UNSIGNED = { "00280103": told("US", 0) };
const FLOATS = { "00280100": told("US", 32), "00280101": told("US", 32), "00280102": told("US", 31) };

const [CENTER, WIDTH, FUNCTION] = ["00281050", "00281051", "00281056"] as const;
const [SHARED_GROUPS, GROUPS_OF_FRAMES, FRAME_VOI] = ["52009229", "52009230", "00289132"] as const;

/**
 * A window as the loader reads it right: it knows LINEAR alone, which counts whole values (PS3.3 C.11.2.1.2), and of a
 * function the first letter. Without one whose width is none, the values make their own.
 */
function asLinear(item: DicomObject, isFloat: boolean): DicomObject {
  const [center, width] = [number(item, CENTER), number(item, WIDTH)];
  const told = text(item, FUNCTION);
  if (center === undefined && told === "") return item;
  if (center === undefined || width === undefined || width <= 0)
    return { ...item, [CENTER]: undefined, [WIDTH]: undefined, [FUNCTION]: undefined };
  if (told === "SIGMOID") return { ...item, [FUNCTION]: { vr: "CS", Value: [[told]] } };
  // Of floating point nobody means a count of whole values.
  const isExact = told === "LINEAR_EXACT" || isFloat;
  if (!isExact && told === "") return item;
  return {
    ...item,
    ...(isExact && {
      [CENTER]: { vr: "DS", Value: [center + 0.5] },
      [WIDTH]: { vr: "DS", Value: [width + 1] },
    }),
    [FUNCTION]: undefined,
  };
}

/** Rewrite the windows of an object and of its frames; a header that needs none stays as it is. */
function withLinearWindows(header: DicomObject, isFloat: boolean): DicomObject {
  const inGroups = (tag: string): DicomObject => {
    const groups = items(header, tag);
    const rewritten = groups.map((group) => {
      const [voi] = items(group, FRAME_VOI);
      const linear = voi && asLinear(voi, isFloat);
      return linear === voi ? group : { ...group, [FRAME_VOI]: { vr: "SQ", Value: [linear] } };
    });
    return rewritten.some((each, at) => each !== groups[at]) ? { [tag]: { vr: "SQ", Value: rewritten } } : {};
  };
  const changes = { ...inGroups(SHARED_GROUPS), ...inGroups(GROUPS_OF_FRAMES) };
  const own = asLinear(header, isFloat);
  return Object.keys(changes).length === 0 ? own : { ...own, ...changes };
}

/** Return a header that is true of what the loader is given: frames that come in other samples than those stored. */
export function asLoaded(given: DicomObject): DicomObject {
  const { isFloat } = pixelsOf(given);
  const header = withLinearWindows(given, isFloat);
  const { samples, otherwise, decodes } = rowOf(header);
  if (samples === "bit") return { ...header, ...BYTES, ...UNSIGNED };
  // The loader takes 32 bits of neither sign for floating point.
  if (samples !== undefined || isFloat) return { ...header, ...FLOATS, "00280103": undefined };
  if (otherwise === "picture" && decodes.length === 0) return { ...header, ...BYTES, ...UNSIGNED };
  return header;
}

/** Return uncompressed samples as the loader takes them; `count` is how many there are. */
export function samplesOf(bytes: Uint8Array, samples: Samples, count: number): Uint8Array {
  if (samples === "bit") return Uint8Array.from({ length: count }, (_, at) => bit(bytes, at));
  if (samples === "as-told") return bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = (at: number) =>
    samples === "double" ? view.getFloat64(8 * at, true) : Number(view.getBigInt64(8 * at, true));
  return new Uint8Array(
    Float32Array.from({ length: Math.min(count, bytes.length >> 3) }, (_, at) => read(at)).buffer,
  );
}

const bit = (bytes: Uint8Array, at: number) => ((bytes[at >> 3] ?? 0) >> (at & 7)) & 1;

/** Where the sign of the first component stands in a JPEG 2000 codestream (ISO/IEC 15444-1 A.5.1). */
const SIZ = [0xff, 0x4f, 0xff, 0x51];
const SIGN_AT = 42;

/**
 * Tell whether a JPEG 2000 codestream has values of the sign that its header tells. Where they differ, the loader
 * takes one for the other, and the server knows better.
 */
export function agreesInSign(header: DicomObject, bytes: Uint8Array): boolean {
  if (SIZ.some((each, at) => bytes[at] !== each)) return true;
  const isSigned = ((bytes[SIGN_AT] ?? 0) & 0x80) !== 0;
  return isSigned === (number(header, "00280103") === 1);
}
