/** Loads frames for Cornerstone, those first that are looked at. Decoding and scaling are Cornerstone's own. */
import { Enums, imageRetrievalPoolManager } from "@cornerstonejs/core";
import type { Types } from "@cornerstonejs/core";
import { createImage } from "@cornerstonejs/dicom-image-loader";

import { fetchFrame, isFloat, takeFrame } from "../study/frames";
import type { Frame } from "../study/frames";
import { hasFailed, hasLoaded } from "./failures";

/** What the loader takes of Cornerstone's options; the rest goes through. */
interface Options {
  requestType?: Enums.RequestType;
  priority?: number;
  [more: string]: unknown;
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
  const early = takeFrame(imageId);
  if (early) return early;
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
  createImage(
    imageId,
    bytes,
    syntax,
    (isFloat(imageId) ? asFloats(options) : options) as never,
  ) as Promise<Types.IImage>;

/** The loader makes integers of floating point whose darkest and brightest happen to be whole; and rescales it first. */
const asFloats = ({ targetBuffer, ...options }: Options): Options => ({
  ...options,
  preScale: { enabled: false },
  targetBuffer: { ...(targetBuffer as object | undefined), type: "Float32Array" },
});
