import { Loader, SegmentedControl } from "@mantine/core";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { Failure } from "@/components/Failure";

import type { SeriesRef } from "../study/addresses";
import type { Study } from "../study/asking";
import { useStack } from "../study/fetching";
import { beginning } from "../study/stack";
import type { Stack } from "../study/stack";
import { play } from "../engine/cine";
import { openStackPane, showStack, stackPane } from "../engine/panes";
import { prefetch } from "../engine/prefetch";
import { endGlimpse, settleGlimpse } from "../glimpse";
import { beginLoading } from "../ready";
import { setState, showSeries, stackPanes, useViewer } from "../state";
import styles from "../viewer.module.css";
import { Lost } from "./Lost";
import { Overlay } from "./Overlay";
import { Papers } from "./Papers";

export const SERIES_TYPE = "application/x-calotype-series";

/** One stack of pictures, or the documents of a series. */
export function StackPane({ index, studies }: { index: number; studies: readonly Study[] }) {
  const { t } = useTranslation("viewer");
  const ref = useViewer((state) => state.panes[index] ?? null);
  const isActive = useViewer((state) => state.active === index);
  const { data: stack, error, isLoading, refetch } = useStack(ref);
  const [element, setElement] = useState<HTMLDivElement | null>(null);
  const frame = useRef<HTMLElement>(null);
  const study = studies.find((each) => each.uid === ref?.study);
  const isOneOf = useViewer((state) => stackPanes[state.layout] > 1);
  const [reads, setReads] = useState(false);
  const hasBoth = stack !== undefined && stack.pictures.length > 0 && stack.papers.length > 0;
  const hasPapers = stack?.pictures.length === 0 || (hasBoth && reads);

  return (
    <section
      ref={frame}
      className={styles.pane}
      data-active={isActive}
      aria-label={t("pane", { number: index + 1, title: stack?.description ?? "" })}
      {...(isOneOf && { tabIndex: 0 })}
      onFocus={() => setState({ active: index })}
      onPointerDownCapture={() => setState({ active: index })}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        const dropped = event.dataTransfer.getData(SERIES_TYPE);
        if (dropped) showSeries(JSON.parse(dropped) as SeriesRef, index);
      }}
    >
      <div ref={setElement} className={styles.canvas} onContextMenu={(event) => event.preventDefault()} />
      {element && <Pictures index={index} element={element} stack={stack} />}
      {element && stack && !hasPapers && (
        <Lost key={stack.ref.series} index={index} element={element} stack={stack} />
      )}
      {element && stack && !hasPapers && (
        <Overlay pane={stackPane(index)} element={element} stack={stack} study={study} />
      )}
      {stack && hasPapers && <Papers key={stack.ref.series} pane={index} stack={stack} />}
      {hasBoth && (
        <SegmentedControl
          className={styles.both ?? ""}
          size="xs"
          value={reads ? "papers" : "pictures"}
          onChange={(value) => setReads(value === "papers")}
          data={[
            { value: "pictures", label: t("pictures") },
            { value: "papers", label: t("papers") },
          ]}
        />
      )}
      {isLoading && <Loader size="sm" className={styles.waiting} />}
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {!ref && <p className={styles.hint}>{t("pane.empty")}</p>}
    </section>
  );
}

/** The pane of Cornerstone in `element`: opened and closed with it, filled by the stack, prefetched, played. */
function Pictures({
  index,
  element,
  stack,
}: {
  index: number;
  element: HTMLDivElement;
  stack: Stack | undefined;
}) {
  const pane = stackPane(index);
  const isPlaying = useViewer((state) => state.isPlaying && state.active === index);
  const rate = useViewer((state) => state.framesPerSecond);
  useLayoutEffect(() => {
    if (index === 0) settleGlimpse(element);
  }, [index, element]);
  useEffect(() => openStackPane(pane, element), [pane, element]);
  useEffect(() => {
    if (!stack) return undefined;
    const loaded = beginLoading();
    let stop: (() => void) | undefined;
    let isOpen = true;
    void showStack(pane, stack).finally(() => {
      endGlimpse();
      loaded();
      if (!isOpen) return;
      const imageIds = stack.pictures.map((each) => each.imageId);
      stop = prefetch(imageIds, beginning(stack), (count) => {
        element.dataset.loaded = String(count);
      });
    });
    if (stack.frameRate > 0) setState({ framesPerSecond: Math.round(stack.frameRate) });
    return () => {
      isOpen = false;
      endGlimpse();
      loaded();
      stop?.();
    };
  }, [pane, element, stack]);
  useEffect(() => (isPlaying ? play(element, rate) : undefined), [isPlaying, element, rate, stack]);
  return null;
}
