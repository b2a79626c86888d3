/** Measurements and key images as React sees them. */
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Types } from "@cornerstonejs/tools";

import { read } from "./engine/reading";
import { findings as all, marksOf, onFindings, restore, unreadOf } from "./engine/findings";
import type { KeyImage } from "./engine/findings";
import { AGAIN_MS, keeper } from "./engine/keeping";
import type { Keeper, Marks } from "./engine/keeping";
import { stackPane, stackViewport } from "./engine/panes";
import { engine } from "./engine/start";
import { getState } from "./state";

export interface Findings {
  measured: readonly Types.Annotation[];
  keys: readonly KeyImage[];
  /** Why the server does not keep them now. */
  trouble: unknown;
  /** Make the image at hand a key image, or no longer. */
  toggleKey: () => void;
  removeKey: (imageId: string) => void;
}

/** Fetch what is kept of the studies for whoever is logged in, and keep what is added. */
export function useFindings(studies: readonly string[]): Findings {
  const [measured, setMeasured] = useState<readonly Types.Annotation[]>([]);
  const [keys, setKeys] = useState<readonly KeyImage[]>([]);
  const [trouble, setTrouble] = useState<unknown>(undefined);
  const current = useRef<readonly KeyImage[]>([]);
  const keepers = useRef<readonly Keeper[]>([]);

  const change = useCallback((next: readonly KeyImage[]) => {
    current.current = next;
    setKeys(next);
    for (const each of keepers.current) each.save();
  }, []);

  useEffect(() => {
    engine();
    let isOpen = true;
    const update = () => setMeasured([...all()]);
    const begun = studies.map((study) => {
      let unread: Marks = new Map();
      const kept = keeper(study, () => marksOf(study, current.current, unread), setTrouble);
      const load = async () => {
        const marks = await kept.load().catch((error: unknown) => {
          setTrouble(error);
          if (isOpen) setTimeout(() => void load(), AGAIN_MS);
        });
        if (!isOpen || !marks) return;
        setTrouble(undefined);
        unread = unreadOf(marks);
        const found = restore(marks);
        const known = new Set(current.current.map((each) => each.imageId));
        change([...current.current, ...found.filter((each) => !known.has(each.imageId))]);
        update();
      };
      void load();
      return kept;
    });
    keepers.current = begun;
    const silence = onFindings(() => {
      update();
      for (const each of begun) each.save();
    });
    return () => {
      isOpen = false;
      silence();
      for (const each of begun) each.stop();
    };
  }, [studies, change]);

  return useMemo(
    () => ({
      measured,
      keys,
      trouble,
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
    [measured, keys, trouble, change],
  );
}
