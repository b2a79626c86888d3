import type { TFunction } from "i18next";
import { memo } from "react";

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
  isSelected: boolean;
  language: string;
  t: TFunction<"studies">;
}

const named = (...classes: (string | false | undefined)[]) => classes.filter(Boolean).join(" ");

/**
 * One study: a line of the table, or a card where there is no room for one. Drawn of the browser's own elements, and
 * only when it changes, since dozens are on the page; what is done with it the list hears.
 */
export const StudyRow = memo(function StudyRow(props: Props) {
  const { index, top, height, template, columns, study, isCurrent, isSelected, language, t } = props;
  return (
    <div
      role="row"
      id={`study-${index}`}
      data-index={index}
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      className={named(
        styles.row,
        template ? styles.line : styles.card,
        isSelected && styles.selected,
        isCurrent && styles.current,
        study?.isGone && styles.gone,
      )}
      style={{
        height,
        transform: `translateY(${top}px)`,
        ...(template ? { gridTemplateColumns: template } : {}),
      }}
    >
      <span role="gridcell" className={styles.check} data-check>
        {study && (
          <input
            type="checkbox"
            className={styles.box}
            checked={isSelected}
            readOnly
            aria-label={t("select.row", { name: showName(study.PatientName, language) || study.PatientID })}
            tabIndex={-1}
          />
        )}
      </span>
      {template ? (
        columns.map((column) => (
          <span
            key={column.name}
            role="gridcell"
            className={named(
              styles.cell,
              column.isNumber && styles.number,
              column.name === "PatientName" && styles.name,
            )}
          >
            {study ? (
              column.show(study, language, (key) => t(key as "sex.M"))
            ) : (
              <div className={styles.waiting} />
            )}
          </span>
        ))
      ) : (
        <Card study={study} language={language} t={t} />
      )}
    </div>
  );
});

function Card({ study, language, t }: Pick<Props, "study" | "language" | "t">) {
  if (!study) return <div className={styles.waiting} role="gridcell" />;
  const images = study.NumberOfStudyRelatedInstances ?? 0;
  const when = [showDate(study.StudyDate, language), showTime(study.StudyTime)].filter(Boolean).join(" ");
  return (
    <>
      <div role="gridcell" className={styles.cell}>
        <div className={named(styles.cell, styles.name)}>
          {[showName(study.PatientName, language), study.PatientID, "—"].find(Boolean)}
        </div>
        <div className={named(styles.cell, styles.second)}>
          {[when, study.StudyDescription].filter(Boolean).join(" · ")}
        </div>
      </div>
      <div role="gridcell">
        <Modalities codes={study.ModalitiesInStudy} />
        <div className={styles.second}>
          {t("panel.images", { count: images, shown: showCount(images, language) })}
        </div>
      </div>
    </>
  );
}
