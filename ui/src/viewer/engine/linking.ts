/** Panes that go together: scrolled to the same place, zoomed and moved alike; lines that show where the other cuts. */
import { ReferenceLinesTool, SynchronizerManager, synchronizers } from "@cornerstonejs/tools";
import type { Synchronizer } from "@cornerstonejs/tools";

import { ENGINE } from "./start";
import { groupOf, nameOf } from "./tools";

const PLACE = "place";
const VIEW = "view";

/** Let panes go together from now on. Returns how to part them. */
export function link(panes: readonly string[]): () => void {
  const made: Synchronizer[] = [
    synchronizers.createImageSliceSynchronizer(PLACE),
    synchronizers.createZoomPanSynchronizer(VIEW),
  ];
  for (const synchronizer of made)
    for (const viewportId of panes) synchronizer.add({ renderingEngineId: ENGINE, viewportId });
  return () => {
    for (const name of [PLACE, VIEW]) SynchronizerManager.destroySynchronizer(name);
  };
}

/** Show in the other stacks where the `active` one cuts them. */
export function showReferenceLines(active: string, isOn: boolean): void {
  const group = groupOf("stack");
  const lines = nameOf(ReferenceLinesTool);
  group.setToolDisabled(lines);
  if (!isOn) return;
  group.setToolConfiguration(lines, { sourceViewportId: active });
  group.setToolEnabled(lines);
}
