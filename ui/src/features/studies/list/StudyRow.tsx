import { Checkbox } from "@mantine/core";
import type { KeyboardEvent, MouseEvent } from "react";
import { useTranslation } from "react-i18next";

import { showCount, showDate, showName, showTime } from "@/i18n/formats";

import type { Column } from "./columns";
import { Modalities } from "./Modalities";
import styles from "./StudyList.module.css";
import type { Study } from "../api";

interface Props {
  index: number;
  top: number;
  height: number;
  /** Tracks of the table; empty for a card. */
  template: string;
  columns: readonly Column[];
  study: Study | undefined;
  isCurrent: boolean;
  selected: ReadonlyMap<string, Study>;
  onClick: (study: Study) => void;
  onOpen: (study: Study) => void;
  onToggle: (study: Study) => void;
}

/** One study: a line of the table, or a card where there is no room for one. */
export function StudyRow({
  index,
  top,
  height,
  template,
  columns,
  study,
  isCurrent,
  selected,
  ...on
}: Props) {
  const { t, i18n } = useTranslation("studies");
  const isSelected = study !== undefined && selected.has(study.StudyInstanceUID);
  const state = [isSelected && styles.selected, isCurrent && styles.current, study?.isGone && styles.gone];
  const look = (event: MouseEvent) => {
    if (!study || (event.target as Element).closest("[data-check]")) return;
    if (event.ctrlKey || event.metaKey) on.onToggle(study);
    else on.onClick(study);
  };
  const check = (
    <span role="gridcell" className={styles.check} data-check>
      {study && (
        <Checkbox
          size="xs"
          checked={isSelected}
          onChange={() => on.onToggle(study)}
          onKeyDown={(event: KeyboardEvent) => event.stopPropagation()}
          aria-label={t("select.row", {
            name: showName(study.PatientName, i18n.language) || study.PatientID,
          })}
          tabIndex={-1}
        />
      )}
    </span>
  );
  return (
    <div
      role="row"
      id={`study-${index}`}
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      className={[styles.row, template ? styles.line : styles.card, ...state].filter(Boolean).join(" ")}
      style={{
        height,
        transform: `translateY(${top}px)`,
        ...(template ? { gridTemplateColumns: template } : {}),
      }}
      onClick={look}
      onDoubleClick={() => study && on.onOpen(study)}
    >
      {check}
      {template ? (
        columns.map((column) => (
          <span
            key={column.name}
            role="gridcell"
            className={[
              styles.cell,
              column.isNumber && styles.number,
              column.name === "PatientName" && styles.name,
            ]
              .filter(Boolean)
              .join(" ")}
          >
            {study ? (
              column.show(study, i18n.language, (key) => t(key as "sex.M"))
            ) : (
              <div className={styles.waiting} />
            )}
          </span>
        ))
      ) : (
        <Card study={study} />
      )}
    </div>
  );
}

function Card({ study }: { study: Study | undefined }) {
  const { t, i18n } = useTranslation("studies");
  if (!study) return <div className={styles.waiting} role="gridcell" />;
  const images = study.NumberOfStudyRelatedInstances ?? 0;
  return (
    <>
      <div role="gridcell" className={styles.cell}>
        <div className={`${styles.cell ?? ""} ${styles.name ?? ""}`}>
          {[showName(study.PatientName, i18n.language), study.PatientID, "—"].find(Boolean)}
        </div>
        <div className={`${styles.cell ?? ""} ${styles.second ?? ""}`}>
          {[
            [showDate(study.StudyDate, i18n.language), showTime(study.StudyTime)].filter(Boolean).join(" "),
            study.StudyDescription,
          ]
            .filter(Boolean)
            .join(" · ")}
        </div>
      </div>
      <div role="gridcell">
        <Modalities codes={study.ModalitiesInStudy} />
        <div className={styles.second}>
          {t("panel.images", { count: images, shown: showCount(images, i18n.language) })}
        </div>
      </div>
    </>
  );
}
