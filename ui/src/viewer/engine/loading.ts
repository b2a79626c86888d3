/**
 * Loads frames for Cornerstone, each in the form in which it is shown right (`study/forms`). Decoding and scaling are
 * Cornerstone's own.
 */
import { Enums, imageRetrievalPoolManager } from "@cornerstonejs/core";
import type { Types } from "@cornerstonejs/core";
import loader from "@cornerstonejs/dicom-image-loader";

import { send } from "@/api/client";

import type { DicomObject } from "../study/dicomJson";
import { number } from "../study/dicomJson";
import { agreesInSign, PLAIN, rowOf, samplesOf, wayOf, wayOfAll } from "../study/forms";
import { hasFailed, hasLoaded } from "./failures";

export const SCHEME = "wadors";

/** What the loader takes of Cornerstone's options; the rest goes through. */
interface Options {
  requestType?: Enums.RequestType;
  priority?: number;
  [more: string]: unknown;
}

interface Frame {
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

/** Load a frame; Cornerstone's signature of a loader. */
export function loadFrame(imageId: string, options: Options = {}): Types.IImageLoadObject {
  // Decoded past the pool: the next frame comes in meanwhile.
  const promise = inTurn(imageId, options).then((frame) => decoded(imageId, frame, options));
  promise.then(
    () => hasLoaded(imageId),
    (error: unknown) => hasFailed(imageId, error),
  );
  return { promise };
}

/** Fetch a frame when those that are wanted more have been fetched. */
function inTurn(imageId: string, options: Options): Promise<Frame> {
  const { requestType = Enums.RequestType.Interaction, priority = 5 } = options;
  return new Promise((resolve) => {
    const begin = () => {
      const fetched = fetchFrame(imageId);
      resolve(fetched);
      return fetched.then(
        () => undefined,
        () => undefined, // whoever asked hears of it
      );
    };
    imageRetrievalPoolManager.addRequest(begin, requestType, { imageId }, priority);
  });
}

const decoded = (imageId: string, { bytes, syntax }: Frame, options: Options) =>
  loader.createImage(imageId, bytes, syntax, options as never) as Promise<Types.IImage>;

async function fetchFrame(imageId: string): Promise<Frame> {
  const header = headers.get(instanceOf(imageId)) ?? {};
  const address = imageId.slice(SCHEME.length + 1);
  const series = seriesOf(imageId);
  const known = syntaxes.get(series);
  let way = known === undefined ? wayOfAll(header) : wayOf(header, known);
  if (way === undefined || way === "stored") {
    const answer = await ask(address, "*");
    const syntax = syntaxOf(answer);
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
