/** What a series shows: its frames in the order of reading, or its documents. Pure, so that it can be tested. */
import type { SeriesRef } from "./addresses";
import { number, text } from "./dicomJson";
import type { DicomObject } from "./dicomJson";
import { isVideo } from "./films";
import { areParallel, depthOf, isBlock, planeOf } from "./geometry";
import type { Plane } from "./geometry";

export interface Picture {
  /** What Cornerstone loads: `wadors:` and the absolute address of one frame. */
  imageId: string;
  instance: string;
  frame: number;
  header: DicomObject;
  plane: Plane | undefined;
}

/** An object that is no picture: one that the server shows as a page, a report or a PDF, or a video. */
export interface Paper {
  kind: "page" | "film";
  instance: string;
  title: string;
  /** Of a video: frames per second, 0 where nobody says. */
  frameRate: number;
}

export interface Stack {
  ref: SeriesRef;
  modality: string;
  description: string;
  pictures: readonly Picture[];
  papers: readonly Paper[];
  /** Even, parallel slices of grey: fit for planes through them and for three dimensions. */
  isVolume: boolean;
  /** Frames per second that the object asks for; 0 where it is no film. */
  frameRate: number;
}

const MAX_FRAMES = 100_000;
const SHOWN_DOCUMENTS = ["application/pdf", "text/xml", "application/xml"];

/** Whether the server makes a page of an object: of reports and documents, and not of a plan or a curve. */
const isReadable = (header: DicomObject) =>
  text(header, "0040A040") === "CONTAINER" ||
  SHOWN_DOCUMENTS.includes(text(header, "00420012").toLowerCase());

/** What an object is called that is no picture; numbers tell apart what has no title. */
export function paperOf(header: DicomObject, kind: Paper["kind"]): Paper {
  const title = text(header, "00420010") || text(header, "0008103E");
  return {
    kind,
    instance: text(header, "00080018"),
    title,
    frameRate: frameRate(header),
  };
}

/** Return the stack of a series from its instances' metadata; `addressOf` says where an instance is. */
export function makeStack(
  ref: SeriesRef,
  headers: readonly DicomObject[],
  addressOf: (instance: string) => string,
): Stack {
  const pictures: Picture[] = [];
  const papers: Paper[] = [];
  for (const header of headers) {
    const instance = text(header, "00080018");
    const isFilm = isVideo(header);
    if (isFilm || !number(header, "00280010")) {
      if (!isFilm && !isReadable(header)) continue;
      papers.push(paperOf(header, isFilm ? "film" : "page"));
      continue;
    }
    const frames = Math.min(Math.max(1, number(header, "00280008") ?? 1), MAX_FRAMES);
    for (let frame = 1; frame <= frames; frame += 1) {
      const imageId = `wadors:${addressOf(instance)}/frames/${frame}`;
      pictures.push({ imageId, instance, frame, header, plane: planeOf(header, frame) });
    }
  }
  const ordered = inReadingOrder(pictures);
  const [first] = ordered;
  return {
    ref,
    modality: text(headers[0], "00080060"),
    description: text(headers[0], "0008103E"),
    pictures: ordered,
    papers,
    isVolume: ordered.every(isGrey) && isBlock(ordered.map((each) => each.plane)),
    frameRate: first && headers.length === 1 && ordered.length > 1 ? frameRate(first.header) : 0,
  };
}

/** The image that a stack is opened at: its middle, where there is something to see; a film's first. */
export const beginning = ({ pictures, frameRate }: Stack) =>
  frameRate > 0 ? 0 : Math.floor((pictures.length - 1) / 2);

const isGrey = ({ header }: Picture) =>
  number(header, "00280002") === 1 && text(header, "00280004") !== "PALETTE COLOR";

/** Along the patient where all lie parallel, else by number and frame. */
function inReadingOrder(pictures: readonly Picture[]): Picture[] {
  const reference = pictures[0]?.plane;
  const byNumber = (a: Picture, b: Picture) =>
    (number(a.header, "00200013") ?? 0) - (number(b.header, "00200013") ?? 0) || a.frame - b.frame;
  if (!reference || pictures.some(({ plane }) => !plane || !areParallel(plane, reference)))
    return [...pictures].sort(byNumber);
  const depth = ({ plane }: Picture) => (plane ? depthOf(plane, reference.normal) : 0);
  const places = new Set(pictures.map((each) => depth(each).toFixed(2)));
  // The same places again and again are phases or echoes: their numbers say how to read them.
  if (places.size < pictures.length) return [...pictures].sort(byNumber);
  // From the first slice on as the scanner counted: feet or head first is its choice, and readers know it.
  const sorted = [...pictures].sort((a, b) => depth(a) - depth(b));
  const [first, last] = [sorted[0], sorted[sorted.length - 1]];
  return first && last && byNumber(first, last) > 0 ? sorted.reverse() : sorted;
}

/** PS3.3 C.7.6.5: recommended or cine rate, else the time of a frame in ms. */
function frameRate(header: DicomObject): number {
  const time = number(header, "00181063");
  const rate = number(header, "00082144") ?? number(header, "00180040") ?? (time ? 1000 / time : 0);
  return Math.min(Math.max(rate, 0), 60);
}
