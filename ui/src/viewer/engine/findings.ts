/**
 * Measurements and key images of a study as marks that the server keeps for its user, and back.
 *
 * Addresses inside are written without the server's own: a study found under another name of the server keeps its
 * findings.
 */
import { eventTarget, triggerEvent } from "@cornerstonejs/core";
import { annotation, ArrowAnnotateTool, cancelActiveManipulations, Enums } from "@cornerstonejs/tools";
import type { Types } from "@cornerstonejs/tools";

import { root } from "@/api/client";

import { askForWords } from "../asked";
import type { Marks } from "./keeping";
import { asKept, textOf } from "./measured";
import { engine } from "./start";
import { findingTools } from "./tools";
import { isWhole } from "./whole";

export interface KeyImage {
  imageId: string;
  series: string;
  /** From 1. */
  image: number;
}

const { ANNOTATION_COMPLETED, ANNOTATION_MODIFIED, ANNOTATION_REMOVED } = Enums.Events;
const EVENTS = [ANNOTATION_COMPLETED, ANNOTATION_MODIFIED, ANNOTATION_REMOVED];
const HERE = `wadors:${root.href}`;
const MARK = "wadors:@/";

/** Findings that nobody is drawing any more. */
const completed = new Set<string>();

function complete(event: Event): void {
  const { annotation: finding } = (event as CustomEvent<{ annotation: Types.Annotation }>).detail;
  const uid = finding.annotationUID ?? "";
  if (isWhole(finding)) completed.add(uid);
  else annotation.state.removeAnnotation(uid);
}

/** Let go of what is being drawn or moved; what is new and half drawn is gone. Returns whether anything was. */
export function dropUnfinished(): boolean {
  const before = new Set(completed);
  const stopped = engine()
    .getViewports()
    .map(({ element }) => cancelActiveManipulations(element))
    .filter((each) => each !== undefined);
  for (const uid of stopped) if (!before.has(uid)) annotation.state.removeAnnotation(uid);
  if (stopped.length > 0) engine().render();
  return stopped.length > 0;
}

/** Every measurement that is on a picture and not being drawn for the first time, oldest first. */
export function findings(): Types.Annotation[] {
  return annotation.state
    .getAllAnnotations()
    .filter(({ annotationUID = "" }) => completed.has(annotationUID))
    .filter((each) => findingTools.has(each.metadata?.toolName ?? "") && isWhole(each));
}

export function removeFinding(uid: string): void {
  annotation.state.removeAnnotation(uid);
}

/** Whether a finding is words, which can be others. */
export const hasWords = ({ metadata }: Types.Annotation) => metadata?.toolName === ArrowAnnotateTool.toolName;

/** Ask for other words of a finding. */
export async function changeWords(finding: Types.Annotation): Promise<void> {
  const text = await askForWords(finding.data.label ?? "");
  if (text === undefined) return;
  finding.data.label = text;
  triggerEvent(eventTarget, ANNOTATION_MODIFIED, { annotation: finding });
  engine().render();
}

/** Take away what is chosen; `false` where nothing is. */
export function removeChosen(): boolean {
  const chosen = annotation.selection.getAnnotationsSelected();
  for (const uid of chosen) annotation.state.removeAnnotation(uid);
  return chosen.length > 0;
}

/** Hear of changes. Returns how to stop. */
export function onFindings(listener: () => void): () => void {
  eventTarget.addEventListener(ANNOTATION_COMPLETED, complete);
  for (const name of EVENTS) eventTarget.addEventListener(name, listener);
  return () => {
    eventTarget.removeEventListener(ANNOTATION_COMPLETED, complete);
    for (const name of EVENTS) eventTarget.removeEventListener(name, listener);
  };
}

interface Kept {
  text?: string;
  finding?: Types.Annotation;
  key?: KeyImage;
}

/** Put marks back on their pictures; return the key images among them. What cannot be read is left as it is. */
export function restore(marks: Marks): KeyImage[] {
  const keys: KeyImage[] = [];
  const shown = new Set(findings().map((each) => each.annotationUID));
  for (const mark of marks.values()) {
    const { finding, text, key } = there(mark) as Kept;
    if (key) keys.push(key);
    const { toolName = "", FrameOfReferenceUID } = finding?.metadata ?? {};
    if (!finding || !FrameOfReferenceUID || !findingTools.has(toolName) || shown.has(finding.annotationUID))
      continue;
    if (!isWhole(finding)) continue;
    completed.add(finding.annotationUID ?? "");
    if (finding.annotationUID && text) asKept.set(finding.annotationUID, text);
    annotation.state.addAnnotation({ ...finding, invalidated: true }, FrameOfReferenceUID);
  }
  return keys;
}

/** What is on the pictures of a study now, as marks; `unread` are those that nobody here understands. */
export function marksOf(study: string, keys: readonly KeyImage[], unread: Marks): Marks {
  const isOwn = (imageId: string | undefined) => imageId?.includes(`/studies/${study}/`) === true;
  const marks = new Map<string, object>(unread);
  for (const finding of findings())
    if (finding.annotationUID && isOwn(finding.metadata?.referencedImageId))
      marks.set(finding.annotationUID, away({ finding: bare(finding), text: textOf(finding) }));
  for (const key of keys) if (isOwn(key.imageId)) marks.set(nameOf(key), away({ key }));
  return marks;
}

/** The marks that are neither a measurement nor a key image of this viewer. */
export const unreadOf = (marks: Marks): Marks =>
  new Map(
    [...marks].filter(([, mark]) => {
      const { finding, key } = mark as Kept;
      return !key && !(finding?.metadata && findingTools.has(finding.metadata.toolName));
    }),
  );

const nameOf = ({ imageId }: KeyImage) =>
  `key:${imageId.replace(/^.*\/instances\//, "").replace("/frames/", ":")}`;

const away = (mark: object): object => JSON.parse(JSON.stringify(mark).replaceAll(HERE, MARK)) as object;
const there = (mark: object): object => JSON.parse(JSON.stringify(mark).replaceAll(MARK, HERE)) as object;

/** Without what is worked out anew, and what is only of now. */
function bare({ annotationUID, metadata, data }: Types.Annotation): object {
  return { annotationUID, metadata, data: { ...data, cachedStats: {} } };
}
