/** Brings in a whole stack before it is scrolled: from where the reader is, outward, behind whatever is looked at. */
import { cache, Enums, imageLoader, imageLoadPoolManager } from "@cornerstonejs/core";

const { RequestType } = Enums;

/** The order from `start` outward: next, one before, second next ... */
export function outward(count: number, start: number): number[] {
  const order = [start];
  for (let step = 1; order.length < count; step += 1) {
    if (start + step < count) order.push(start + step);
    if (start - step >= 0) order.push(start - step);
  }
  return order.slice(0, count);
}

/** Ask for every image; `onProgress` hears how many are in. Returns how to stop. */
export function prefetch(
  imageIds: readonly string[],
  start: number,
  onProgress: (loaded: number) => void,
): () => void {
  let isOn = true;
  let loaded = 0;
  const one = async (imageId: string) => {
    if (!isOn) return;
    try {
      await imageLoader.loadAndCacheImage(imageId, { requestType: RequestType.Prefetch, priority: 0 });
      loaded += 1;
    } catch {
      // Shown where the image itself is looked at.
      return;
    }
    onProgress(loaded);
  };
  for (const index of outward(imageIds.length, start)) {
    const imageId = imageIds[index];
    if (imageId === undefined) continue;
    if (cache.isLoaded(imageId)) loaded += 1;
    else imageLoadPoolManager.addRequest(() => one(imageId), RequestType.Prefetch, { imageId }, 0);
  }
  onProgress(loaded);
  return () => {
    isOn = false;
  };
}
