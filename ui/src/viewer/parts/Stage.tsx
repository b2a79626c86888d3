import { useEffect, useMemo, useRef } from "react";

import type { Study } from "../study/asking";
import { resize, stackPane } from "../engine/panes";
import { link, showReferenceLines } from "../engine/linking";
import { stackPanes, useViewer } from "../state";
import styles from "../viewer.module.css";
import { Planes } from "./Planes";
import { StackPane } from "./StackPane";

/** Where pictures are: panes of stacks, or one series cut and rendered. */
export function Stage({ studies }: { studies: readonly Study[] }) {
  const layout = useViewer((state) => state.layout);
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!element.current) return undefined;
    let asked = 0;
    const observer = new ResizeObserver(() => {
      cancelAnimationFrame(asked);
      asked = requestAnimationFrame(() => resize(true));
    });
    observer.observe(element.current);
    return () => {
      cancelAnimationFrame(asked);
      observer.disconnect();
    };
  }, []);
  useEffect(() => {
    // The stage is as large as before, its panes are not: pictures fit them anew.
    const asked = requestAnimationFrame(() => resize(false));
    return () => cancelAnimationFrame(asked);
  }, [layout]);
  const count = stackPanes[layout];
  return (
    <main ref={element} className={styles.stage} data-layout={layout}>
      {count > 0 ? (
        Array.from({ length: count }, (_, index) => <StackPane key={index} index={index} studies={studies} />)
      ) : (
        <Planes key={layout} studies={studies} />
      )}
      {count > 1 && <Together count={count} />}
    </main>
  );
}

/** Panes that are linked, and the lines in each of where the active one cuts. */
function Together({ count }: { count: number }) {
  const isLinked = useViewer((state) => state.isLinked);
  const hasLines = useViewer((state) => state.hasReferenceLines);
  const active = useViewer((state) => state.active);
  const panes = useMemo(() => Array.from({ length: count }, (_, index) => stackPane(index)), [count]);
  useEffect(() => (isLinked ? link(panes) : undefined), [isLinked, panes]);
  useEffect(() => {
    showReferenceLines(stackPane(active), hasLines);
    return () => showReferenceLines(stackPane(active), false);
  }, [active, hasLines]);
  return null;
}
