/** Fetches frames, each in the form in which it is shown right (`forms`). */
import { send } from "@/api/client";

import type { DicomObject } from "./dicomJson";
import { number } from "./dicomJson";
import { isVideoSyntax, VideoInstead } from "./films";
import { agreesInSign, pixelsOf, PLAIN, rowOf, samplesOf, wayOf, wayOfAll } from "./forms";

/** What an image's name begins with; its address follows. */
export const SCHEME = "wadors";

export interface Frame {
  bytes: Uint8Array;
  syntax: string;
}

const headers = new Map<string, DicomObject>();
/** The syntax that an instance, or the one before it in its series, was stored in: the next ones are most often, too. */
const syntaxes = new Map<string, string>();

const instanceOf = (imageId: string) => imageId.replace(/\/frames\/\d+$/, "");
const seriesOf = (imageId: string) => imageId.replace(/\/instances\/.*$/, "");

/** Keep what the loader needs to know of an instance before its frames are asked for. */
export function keepHeader(imageId: string, header: DicomObject): void {
  headers.set(instanceOf(imageId), header);
}

/** What was kept of an instance. */
export const headerOf = (imageId: string): DicomObject | undefined => headers.get(instanceOf(imageId));

/** Whether the values of an image are floating point. */
export const isFloat = (imageId: string): boolean => pixelsOf(headers.get(instanceOf(imageId)) ?? {}).isFloat;

/** Frames that were asked for before anybody could show them. */
const early = new Map<string, Promise<Frame>>();

/** Ask for a frame now, for whoever loads it. */
export function fetchEarly(imageId: string, header: DicomObject): Promise<Frame> {
  keepHeader(imageId, header);
  const frame = fetchFrame(imageId);
  frame.catch(() => undefined); // whoever takes it hears of it
  early.set(imageId, frame);
  return frame;
}

/** Take a frame that was asked for early, once. */
export function takeFrame(imageId: string): Promise<Frame> | undefined {
  const frame = early.get(imageId);
  early.delete(imageId);
  return frame;
}

export async function fetchFrame(imageId: string): Promise<Frame> {
  const header = headers.get(instanceOf(imageId)) ?? {};
  const address = imageId.slice(SCHEME.length + 1);
  const series = seriesOf(imageId);
  const known = syntaxes.get(series);
  let way = known === undefined ? wayOfAll(header) : wayOf(header, known);
  if (way === undefined || way === "stored") {
    const answer = await ask(address, "*");
    const syntax = syntaxOf(answer);
    if (isVideoSyntax(syntax)) {
      await answer.body?.cancel();
      throw new VideoInstead();
    }
    syntaxes.set(series, syntax);
    way = wayOf(header, syntax);
    if (way === "stored") {
      const bytes = await bytesOf(answer);
      if (agreesInSign(header, bytes)) return { bytes, syntax };
      way = "plain";
    } else await answer.body?.cancel();
  }
  if (way === "picture") return { bytes: await pictureOf(address), syntax: PLAIN };
  const bytes = await bytesOf(await ask(address, PLAIN));
  return { bytes: samplesOf(bytes, rowOf(header).samples ?? "as-told", countOf(header)), syntax: PLAIN };
}

const ask = (address: string, syntax: string) =>
  send(address, { headers: { Accept: `application/octet-stream; transfer-syntax=${syntax}` } });

const bytesOf = async (answer: Response) => new Uint8Array(await answer.arrayBuffer());

function syntaxOf(answer: Response): string {
  const [, syntax = PLAIN] =
    /transfer-syntax="?([\d.]+)/.exec(answer.headers.get("Content-Type") ?? "") ?? [];
  return syntax;
}

const countOf = (header: DicomObject) =>
  (number(header, "00280010") ?? 0) * (number(header, "00280011") ?? 0) * (number(header, "00280002") ?? 1);

/** Red, green, blue and alpha of what the server draws. */
async function pictureOf(address: string): Promise<Uint8Array> {
  const answer = await send(`${address}/rendered`, { headers: { Accept: "image/png" } });
  // As they are: no colour profile, no alpha may change them on the way.
  const picture = await createImageBitmap(await answer.blob(), {
    premultiplyAlpha: "none",
    colorSpaceConversion: "none",
  });
  const sheet = new OffscreenCanvas(picture.width, picture.height);
  const pen = sheet.getContext("2d", { willReadFrequently: true });
  if (!pen) throw new Error("no canvas to read a picture from");
  pen.drawImage(picture, 0, 0);
  picture.close();
  return new Uint8Array(pen.getImageData(0, 0, sheet.width, sheet.height).data.buffer);
}
