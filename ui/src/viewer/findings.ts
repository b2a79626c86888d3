/** Measurements and key images as React sees them. */
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Types } from "@cornerstonejs/tools";

import { read } from "./engine/reading";
import { findings as all, keep, onFindings, restore } from "./engine/findings";
import type { KeyImage } from "./engine/findings";
import { stackPane, stackViewport } from "./engine/panes";
import { engine } from "./engine/start";
import { getState } from "./state";

export interface Findings {
  measured: readonly Types.Annotation[];
  keys: readonly KeyImage[];
  /** Make the image at hand a key image, or no longer. */
  toggleKey: () => void;
  removeKey: (imageId: string) => void;
}

/** Restore what is kept of the studies, and keep what is added. Key images go with the first study. */
export function useFindings(user: string, studies: readonly string[]): Findings {
  const [measured, setMeasured] = useState<readonly Types.Annotation[]>([]);
  const [keys, setKeys] = useState<readonly KeyImage[]>([]);
  const current = useRef<readonly KeyImage[]>([]);
  const savers = useRef<(() => void)[]>([]);

  const change = useCallback((next: readonly KeyImage[]) => {
    current.current = next;
    setKeys(next);
    for (const save of savers.current) save();
  }, []);

  useEffect(() => {
    engine();
    const restored = studies.flatMap((study) => restore(user, study));
    current.current = restored;
    const update = () => {
      setMeasured([...all()]);
      setKeys(current.current);
    };
    update();
    const keepers = studies.map((study) =>
      keep(user, study, () => current.current.filter((each) => each.imageId.includes(`/studies/${study}/`))),
    );
    savers.current = keepers.map((each) => each.save);
    const silence = onFindings(update);
    return () => {
      silence();
      for (const each of keepers) each.stop();
    };
  }, [user, studies]);

  return useMemo(
    () => ({
      measured,
      keys,
      toggleKey: () => {
        const { panes, active } = getState();
        const seen = read(stackViewport(stackPane(active)));
        const series = panes[active]?.series;
        if (!seen?.imageId || !series) return;
        const others = current.current.filter((each) => each.imageId !== seen.imageId);
        const isNew = others.length === current.current.length;
        change(isNew ? [...others, { imageId: seen.imageId, series, image: seen.image }] : others);
      },
      removeKey: (imageId) => change(current.current.filter((each) => each.imageId !== imageId)),
    }),
    [measured, keys, change],
  );
}
