/**
 * Palettes of PALETTE COLOR pictures (PS3.3 C.7.9) as the loader takes them: numbers. DICOM JSON carries them as bytes,
 * in line or at an address of their own.
 */
import type { DicomElement, DicomObject } from "./dicomJson";
import { number, text } from "./dicomJson";

/** Descriptor and data of red, green and blue. */
const TABLES = [
  ["00281101", "00281201"],
  ["00281102", "00281202"],
  ["00281103", "00281203"],
] as const;
const ALL_ENTRIES = 65536;

type Fetch = (address: string) => Promise<ArrayBuffer>;

/** Return a header whose palette is numbers; any other header as it is. */
export async function withPalette(header: DicomObject, fetch: Fetch): Promise<DicomObject> {
  if (text(header, "00280004") !== "PALETTE COLOR") return header;
  const read = await Promise.all(
    TABLES.map(async ([descriptor, data]): Promise<[string, DicomElement][]> => {
      const element = header[data];
      const bytes = element && (await bytesOf(element, fetch));
      return bytes ? [[data, { vr: "US", Value: entriesOf(bytes, number(header, descriptor) ?? 0) }]] : [];
    }),
  );
  return { ...header, ...Object.fromEntries(read.flat()) };
}

async function bytesOf(element: DicomElement, fetch: Fetch): Promise<Uint8Array | undefined> {
  if (element.InlineBinary) return Uint8Array.from(atob(element.InlineBinary), (each) => each.charCodeAt(0));
  return element.BulkDataURI ? new Uint8Array(await fetch(element.BulkDataURI)) : undefined;
}

/** Entries are words, least byte first; where there are too few bytes for that, bytes. */
function entriesOf(bytes: Uint8Array, told: number): number[] {
  const count = told === 0 ? ALL_ENTRIES : told;
  if (bytes.length < 2 * count) return [...bytes.subarray(0, count)];
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return Array.from({ length: count }, (_, index) => view.getUint16(2 * index, true));
}
