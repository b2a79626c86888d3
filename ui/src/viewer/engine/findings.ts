/**
 * Measurements and key images of a study: kept in this browser for this user, and put back when the study opens.
 *
 * Addresses inside are kept without the server's own: a study found under another name of the server keeps its
 * findings.
 */
import { eventTarget } from "@cornerstonejs/core";
import { annotation, Enums } from "@cornerstonejs/tools";
import type { Types } from "@cornerstonejs/tools";

import { root } from "@/api/client";

import { findingTools } from "./tools";

export interface KeyImage {
  imageId: string;
  series: string;
  /** From 1. */
  image: number;
}

interface Kept {
  findings: Types.Annotation[];
  keys: KeyImage[];
}

const { ANNOTATION_COMPLETED, ANNOTATION_MODIFIED, ANNOTATION_REMOVED } = Enums.Events;
const EVENTS = [ANNOTATION_COMPLETED, ANNOTATION_MODIFIED, ANNOTATION_REMOVED];
const HERE = `wadors:${root.href}`;
const MARK = "wadors:@/";
const MAX_KEPT = 2_000_000;
const QUIET_MS = 400;

const place = (user: string, study: string) => `calotype.findings.${user}.${study}`;

/** Every measurement that is on a picture, oldest first. */
export function findings(): Types.Annotation[] {
  return annotation.state
    .getAllAnnotations()
    .filter((each) => findingTools.has(each.metadata?.toolName ?? ""));
}

export function removeFinding(uid: string): void {
  annotation.state.removeAnnotation(uid);
}

/** Take away what is chosen; `false` where nothing is. */
export function removeChosen(): boolean {
  const chosen = annotation.selection.getAnnotationsSelected();
  for (const uid of chosen) annotation.state.removeAnnotation(uid);
  return chosen.length > 0;
}

/** Hear of changes. Returns how to stop. */
export function onFindings(listener: () => void): () => void {
  for (const name of EVENTS) eventTarget.addEventListener(name, listener);
  return () => {
    for (const name of EVENTS) eventTarget.removeEventListener(name, listener);
  };
}

/** Put back what is kept of a study. What cannot be read is left where it is. */
export function restore(user: string, study: string): KeyImage[] {
  const kept = parse(localStorage.getItem(place(user, study)));
  for (const finding of kept.findings) {
    if (!findingTools.has(finding.metadata?.toolName ?? "") || !finding.metadata?.FrameOfReferenceUID)
      continue;
    finding.invalidated = true;
    annotation.state.addAnnotation(finding, finding.metadata.FrameOfReferenceUID);
  }
  return kept.keys;
}

function parse(stored: string | null): Kept {
  const nothing: Kept = { findings: [], keys: [] };
  if (!stored) return nothing;
  try {
    const kept = JSON.parse(stored.replaceAll(MARK, HERE)) as Partial<Kept>;
    return {
      findings: Array.isArray(kept.findings) ? kept.findings : [],
      keys: Array.isArray(kept.keys) ? kept.keys : [],
    };
  } catch {
    return nothing;
  }
}

/** Keep what is on the pictures of a study, a moment after the last change. Returns how to stop. */
export function keep(
  user: string,
  study: string,
  keys: () => readonly KeyImage[],
): { save: () => void; stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const write = () => {
    const own = findings().filter((each) => each.metadata?.referencedImageId?.includes(`/studies/${study}/`));
    const stored = JSON.stringify({ findings: own.map(bare), keys: keys() }).replaceAll(HERE, MARK);
    if (stored.length <= MAX_KEPT) localStorage.setItem(place(user, study), stored);
  };
  const save = () => {
    clearTimeout(timer);
    timer = setTimeout(write, QUIET_MS);
  };
  const silence = onFindings(save);
  return {
    save,
    stop: () => {
      silence();
      if (timer !== undefined) {
        clearTimeout(timer);
        write();
      }
    },
  };
}

/** Without what is worked out anew. */
function bare(finding: Types.Annotation): Types.Annotation {
  return { ...finding, highlighted: false, isSelected: false, data: { ...finding.data, cachedStats: {} } };
}
