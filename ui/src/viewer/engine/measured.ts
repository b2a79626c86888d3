/** A measurement in words, and the way back to where it was made. */
import type { Types } from "@cornerstonejs/tools";

import type { Series } from "../study/asking";
import { getState, setState, showSeries, stackPanes } from "../state";
import { stackPane, stackViewport } from "./panes";
import { inUnit } from "./words";

/** What findings said when they were kept: shown until their pictures are, and they are worked out anew. */
export const asKept = new Map<string, string>();

/** What Cornerstone worked out, by the names that it gives: one line. */
export function textOf(finding: Types.Annotation): string {
  if (finding.data.label) return finding.data.label;
  const stats = Object.values(finding.data.cachedStats ?? {})[0] as Record<string, unknown> | undefined;
  if (!stats) return asKept.get(finding.annotationUID ?? "") ?? "";
  const degrees = inUnit(stats.angle, "°");
  const parts = [
    inUnit(stats.length, stats.unit),
    degrees,
    inUnit(stats.mean, stats.modalityUnit),
    inUnit(stats.area, stats.areaUnit),
    inUnit(stats.value, stats.modalityUnit),
  ];
  return parts.filter(Boolean).join(" · ");
}

const WAIT_MS = 50;
const TRIES = 200;

/** Show the image of a finding in the active stack, with its series where that is another. */
export async function showFinding(imageId: string, all: readonly Series[]): Promise<void> {
  const series = all.find((each) => imageId.includes(`/series/${each.series}/`));
  if (!series) return;
  if (stackPanes[getState().layout] === 0) setState({ layout: "one", active: 0 });
  showSeries(series);
  for (let tries = 0; tries < TRIES; tries += 1) {
    const viewport = stackViewport(stackPane(getState().active));
    const index = viewport?.getImageIds().indexOf(imageId) ?? -1;
    if (viewport && index >= 0) {
      await viewport.setImageIdIndex(index);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  }
}
