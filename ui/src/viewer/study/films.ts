/**
 * Video in an object: its Pixel Data is one stream of MPEG-2, H.264 or HEVC, as the camera made it (PS3.5 8.2.5 to 8.2.8),
 * most often an MP4 file. Browsers play what they play; what one does not is told by the first bytes of the stream.
 */
import type { DicomObject } from "./dicomJson";
import { text } from "./dicomJson";

/** What compressed the pixels with loss, the last one last (PS3.3 C.7.6.1.1.5). */
const LOSSY_METHOD = "00282114";
const METHODS = new Set(["ISO_13818_2", "ISO_14496_10", "ISO_23008_2"]);

/** Whether an object says that its pixels are video. Some do not: their frames tell. */
export function isVideo(header: DicomObject): boolean {
  const last = header[LOSSY_METHOD]?.Value?.at(-1);
  // No other compression has these colours (PS3.3 C.7.6.3.1.2).
  return (
    text(header, "00280004").startsWith("YBR_PARTIAL") || (typeof last === "string" && METHODS.has(last))
  );
}

/** The error of whoever asked for a picture and was answered with video. */
export class VideoInstead extends Error {
  override name = "VideoInstead";
}

const VIDEO = /^1\.2\.840\.10008\.1\.2\.4\.10[0-8](?:\.1)?$/;
export const isVideoSyntax = (syntax: string) => VIDEO.test(syntax);

/** Where the stream of an object is, for players and for keeping. */
export const streamAddress = (instance: string) => `${instance}/bulkdata/7FE00010?accept=video/*`;

/** What a stream is: a name to tell readers, and the end of a file's name. */
export interface Form {
  name: "mp4" | "hevc" | "mpeg2" | "transport" | "bare" | "other";
  ending: string;
}

const starts = (bytes: Uint8Array, ...expected: number[]) => expected.every((each, at) => bytes[at] === each);
const TRANSPORT_PACKET = 188;

/** Tell a stream by its media type and its first bytes. */
export function formOf(mediaType: string, bytes: Uint8Array): Form {
  const words = String.fromCharCode(...bytes);
  if (words.slice(4, 8) === "ftyp") return { name: /hvc1|hev1/.test(words) ? "hevc" : "mp4", ending: "mp4" };
  const isTransport =
    bytes[0] === 0x47 && (bytes.length <= TRANSPORT_PACKET || bytes[TRANSPORT_PACKET] === 0x47);
  if (mediaType.startsWith("video/mpeg") || starts(bytes, 0, 0, 1, 0xb3) || starts(bytes, 0, 0, 1, 0xba))
    return { name: "mpeg2", ending: isTransport ? "ts" : "mpg" };
  if (isTransport) return { name: "transport", ending: "ts" };
  if (starts(bytes, 0, 0, 0, 1) || starts(bytes, 0, 0, 1)) return { name: "bare", ending: "264" };
  return { name: "other", ending: "bin" };
}
