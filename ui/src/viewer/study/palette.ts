/**
 * Palettes of PALETTE COLOR pictures (PS3.3 C.7.9) as the loader takes them: numbers. DICOM JSON carries them as bytes,
 * in line or at an address of their own.
 */
import type { DicomElement, DicomObject } from "./dicomJson";
import { number, text } from "./dicomJson";

/** Descriptor, data and segmented data of red, green and blue. */
const TABLES = [
  ["00281101", "00281201", "00281221"],
  ["00281102", "00281202", "00281222"],
  ["00281103", "00281203", "00281223"],
] as const;
const ALL_ENTRIES = 65536;

type Fetch = (address: string) => Promise<ArrayBuffer>;

/** Return a header whose palette is numbers; any other header as it is. */
export async function withPalette(header: DicomObject, fetch: Fetch): Promise<DicomObject> {
  if (text(header, "00280004") !== "PALETTE COLOR") return header;
  const read = await Promise.all(
    TABLES.map(async ([descriptor, data, segmented]): Promise<[string, DicomElement][]> => {
      const told = number(header, descriptor) ?? 0;
      const count = told > 0 ? told : ALL_ENTRIES;
      const plain = await bytesOf(header[data], fetch);
      const segments = plain ? undefined : await bytesOf(header[segmented], fetch);
      const entries = plain ? entriesOf(plain, count) : segments && expanded(wordsOf(segments), count);
      return entries ? [[data, { vr: "US", Value: entries }]] : [];
    }),
  );
  return { ...header, ...Object.fromEntries(read.flat()) };
}

async function bytesOf(element: DicomElement | undefined, fetch: Fetch): Promise<Uint8Array | undefined> {
  if (element?.InlineBinary) return Uint8Array.from(atob(element.InlineBinary), (each) => each.charCodeAt(0));
  return element?.BulkDataURI ? new Uint8Array(await fetch(element.BulkDataURI)) : undefined;
}

/** Entries are words; where there are too few bytes for that, bytes. */
function entriesOf(bytes: Uint8Array, count: number): number[] {
  return bytes.length < 2 * count ? [...bytes.subarray(0, count)] : wordsOf(bytes).slice(0, count);
}

/** Words, least byte first. */
function wordsOf(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length >> 1 }, (_, index) => view.getUint16(2 * index, true));
}

const DISCRETE = 0;
const LINEAR = 1;
const INDIRECT = 2;

/**
 * Expand a segmented palette (PS3.3 C.7.9.2) of words: values as they are, lines from the value before to a last one,
 * and segments that are told elsewhere. Ends at what it does not know.
 */
export function expanded(words: readonly number[], count: number): number[] {
  const entries: number[] = [];
  let segmentsLeft = ALL_ENTRIES; // as each that is worth its place adds an entry
  const word = (at: number) => words[at] ?? 0;
  const read = (begin: number, segments: number, isCopied: boolean): void => {
    let at = begin;
    for (let left = segments; left > 0 && at + 2 < words.length && entries.length < count; left -= 1) {
      segmentsLeft -= 1;
      if (segmentsLeft < 0) return;
      const length = word(at + 1);
      if (word(at) === DISCRETE) {
        for (const value of words.slice(at + 2, at + 2 + length)) entries.push(value);
        at += 2 + length;
      } else if (word(at) === LINEAR) {
        const from = entries.at(-1) ?? 0;
        const step = (word(at + 2) - from) / length;
        for (let index = 1; index <= length; index += 1) entries.push(Math.round(from + step * index));
        at += 3;
      } else if (word(at) === INDIRECT && !isCopied) {
        // The offset is in bytes, its low word first; what is copied copies nothing itself.
        read((word(at + 2) + word(at + 3) * 0x10000) >> 1, length, true);
        at += 4;
      } else return;
    }
  };
  read(0, Infinity, false);
  return entries.slice(0, count);
}
