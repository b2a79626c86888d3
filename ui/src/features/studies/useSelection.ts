import { useCallback, useState } from "react";

import type { Study } from "./api";

/** As many as one request to the server may name. */
export const MOST_SELECTED = 1000;

/** Studies that are chosen for what the bar does; they stay chosen when the list shows others. */
export function useSelection() {
  const [selected, setSelected] = useState<ReadonlyMap<string, Study>>(new Map());
  const toggle = useCallback((study: Study) => {
    setSelected((before) => {
      const now = new Map(before);
      if (!now.delete(study.StudyInstanceUID) && now.size < MOST_SELECTED)
        now.set(study.StudyInstanceUID, study);
      return now;
    });
  }, []);
  const toggleShown = useCallback((studies: readonly Study[]) => {
    setSelected((before) => {
      const now = new Map(before);
      const areAll = studies.every((study) => now.has(study.StudyInstanceUID));
      for (const study of studies)
        if (areAll) now.delete(study.StudyInstanceUID);
        else if (now.size < MOST_SELECTED) now.set(study.StudyInstanceUID, study);
      return now;
    });
  }, []);
  const clear = useCallback(() => setSelected(new Map()), []);
  return { selected, toggle, toggleShown, clear };
}
