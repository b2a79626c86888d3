/**
 * What the window is opened for, asked for by its first code: the studies, the stack that is shown first, and the frame
 * of it that is. Each is taken once; what failed is asked for again, with who is logged in by then.
 */
import type { SeriesRef } from "./addresses";
import { fetchStack, fetchStudy } from "./asking";
import type { Study } from "./asking";
import type { DicomObject } from "./dicomJson";
import { fetchEarly } from "./frames";
import type { Frame } from "./frames";
import { lineOf } from "./greys";
import { beginning } from "./stack";
import type { Stack } from "./stack";

const studies = new Map<string, Promise<Study>>();
const stacks = new Map<string, Promise<Stack>>();

/** The series that a study is opened at: the one that is asked for, else the first. */
export const firstOf = (study: Study | undefined, series: string | undefined) =>
  study?.series.find((each) => each.series === series) ?? study?.series[0];

/** Ask for all of it; `show` is given the frame, where that can be shown by little. Settles when there is no more to it. */
export async function askForOpened(
  uids: readonly string[],
  series: string | undefined,
  show: (header: DicomObject, frame: Frame) => void,
): Promise<void> {
  const [first] = uids.map((uid) => keep(studies, uid, fetchStudy(uid)));
  const [study] = uids;
  if (!first || study === undefined) return;
  const begin = series ? { study, series } : firstOf(await first, series);
  if (!begin) return;
  const stack = await keep(stacks, begin.series, fetchStack(begin));
  const picture = stack.pictures[beginning(stack)];
  if (!picture) return;
  const { imageId, header } = picture;
  const frame = fetchEarly(imageId, header);
  if (lineOf(header)) show(header, await frame);
}

function keep<Answer>(where: Map<string, Promise<Answer>>, name: string, answer: Promise<Answer>) {
  where.set(name, answer);
  answer.catch(() => where.delete(name));
  return answer;
}

export const takeStudy = (uid: string) => take(studies, uid);
export const takeStack = ({ series }: SeriesRef) => take(stacks, series);

function take<Answer>(from: Map<string, Promise<Answer>>, name: string): Promise<Answer> | undefined {
  const found = from.get(name);
  from.delete(name);
  return found;
}
