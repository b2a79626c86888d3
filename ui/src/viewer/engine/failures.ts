/** Which images could not be loaded, and why: kept until they are loaded after all. */
import { useSyncExternalStore } from "react";

const failed = new Map<string, unknown>();
const reasons = new WeakSet<object>();
const listeners = new Set<() => void>();

function tell(): void {
  for (const listener of listeners) listener();
}

export function hasFailed(imageId: string, error: unknown): void {
  failed.set(imageId, error);
  if (typeof error === "object" && error !== null) reasons.add(error);
  tell();
}

export function hasLoaded(imageId: string): void {
  if (failed.delete(imageId)) tell();
}

/** Whether somebody was told of an error. */
export const isKnownFailure = (error: unknown) => reasons.has(error as object);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Why an image could not be loaded; `undefined` where it could, or was not tried. */
export const useFailure = (imageId: string | undefined): unknown =>
  useSyncExternalStore(subscribe, () => (imageId === undefined ? undefined : failed.get(imageId)));

/** How many of these images could not be loaded. */
export const useFailures = (imageIds: readonly string[]): number =>
  useSyncExternalStore(subscribe, () =>
    failed.size === 0 ? 0 : imageIds.reduce((count, each) => count + (failed.has(each) ? 1 : 0), 0),
  );
