import { useCallback, useSyncExternalStore, useRef } from "react";
import { useTranslation } from "react-i18next";

import { showDate, showName, showTime } from "@/i18n/formats";

import type { Study } from "../study/asking";
import { number } from "../study/dicomJson";
import { pixelsOf } from "../study/forms";
import type { Stack } from "../study/stack";
import { onChange, read } from "../engine/reading";
import type { Reading } from "../engine/reading";
import { engine } from "../engine/start";
import { windowInWords } from "../engine/words";
import { useViewer } from "../state";
import styles from "../viewer.module.css";

interface Props {
  pane: string;
  element: HTMLElement;
  stack: Stack;
  study: Study | undefined;
  /** What the pane is, where it is no stack. */
  title?: string;
}

/** Four corners and four sides of words over a pane: who, what, where, how. Never in the way of the pointer. */
export function Overlay({ pane, element, stack, study, title }: Props) {
  const { t, i18n } = useTranslation("viewer");
  const isShown = useViewer((state) => state.hasOverlay);
  const reading = useReading(pane, element);
  if (!isShown) return null;
  const picture = stack.pictures.find((each) => each.imageId === reading?.imageId);
  const isFloat = pixelsOf(stack.pictures[0]?.header ?? {}).isFloat;
  const thickness = number(picture?.header, "00180050");
  const location = number(picture?.header, "00201041");
  return (
    <div className={styles.overlay} data-pane={pane}>
      <div data-corner="top-left">
        <b>{showName(study?.patientName, i18n.language)}</b>
        <span>{study?.patientId}</span>
        <span>{[showDate(study?.birthDate, i18n.language), study?.sex].filter(Boolean).join(" · ")}</span>
      </div>
      <div data-corner="top-right">
        <span>{study?.description}</span>
        <span>{[showDate(study?.date, i18n.language), showTime(study?.time)].filter(Boolean).join(" ")}</span>
      </div>
      <div data-corner="bottom-left">
        <span>{[stack.modality, title ?? stack.description].filter(Boolean).join(" · ")}</span>
        {reading && reading.images > 0 && (
          <span className={styles.count}>
            {t("overlay.image", { image: reading.image, images: reading.images })}
          </span>
        )}
        {location !== undefined && <span>{t("overlay.location", { mm: location.toFixed(1) })}</span>}
        {thickness !== undefined && <span>{t("overlay.thickness", { mm: thickness.toFixed(1) })}</span>}
      </div>
      <div data-corner="bottom-right">
        {reading?.range && (
          <span data-window>{t("overlay.window", windowInWords(reading.range, isFloat))}</span>
        )}
        {reading && <span>{t("overlay.zoom", { percent: Math.round(reading.zoom * 100) })}</span>}
      </div>
      {reading?.left && <i data-side="left">{reading.left}</i>}
      {reading?.top && <i data-side="top">{reading.top}</i>}
    </div>
  );
}

function useReading(pane: string, element: HTMLElement): Reading | undefined {
  const last = useRef<Reading | undefined>(undefined);
  const subscribe = useCallback(
    (changed: () => void) => {
      const update = () => {
        last.current = read(engine().getViewport(pane));
        changed();
      };
      update();
      return onChange(element, update);
    },
    [pane, element],
  );
  return useSyncExternalStore(subscribe, () => last.current);
}
