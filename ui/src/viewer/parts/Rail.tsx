import { UnstyledButton } from "@mantine/core";
import { IconFileText } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { showDate } from "@/i18n/formats";

import { thumbnailAddress } from "../study/addresses";
import type { Series, Study } from "../study/asking";
import { showSeries, useViewer } from "../state";
import styles from "../viewer.module.css";
import { SERIES_TYPE } from "./StackPane";

/** The series of the studies, by picture: a click shows one in the active pane, dragging in any other. */
export function Rail({ studies }: { studies: readonly Study[] }) {
  const { t, i18n } = useTranslation("viewer");
  return (
    <nav className={styles.rail} aria-label={t("rail")}>
      {studies.map((study) => (
        <section key={study.uid}>
          {studies.length > 1 && (
            <h2>{[showDate(study.date, i18n.language), study.description].filter(Boolean).join(" · ")}</h2>
          )}
          {study.series.map((series) => (
            <Tile key={series.series} series={series} />
          ))}
        </section>
      ))}
    </nav>
  );
}

function Tile({ series }: { series: Series }) {
  const { t } = useTranslation("viewer");
  const [hasPicture, setHasPicture] = useState(true);
  const isActive = useViewer((state) => state.panes[state.active]?.series === series.series);
  const isShown = useViewer((state) => state.panes.some((each) => each?.series === series.series));
  const { study, series: uid } = series;
  return (
    <UnstyledButton
      className={styles.tile}
      aria-pressed={isActive}
      data-shown={isShown}
      draggable
      onDragStart={(event) => event.dataTransfer.setData(SERIES_TYPE, JSON.stringify({ study, series: uid }))}
      onClick={() => showSeries({ study, series: uid })}
      title={series.description}
    >
      {hasPicture ? (
        <img
          src={thumbnailAddress(series)}
          alt=""
          loading="lazy"
          draggable={false}
          onError={() => setHasPicture(false)}
        />
      ) : (
        <IconFileText size={34} stroke={1.2} />
      )}
      <span className={styles.tileText}>
        <b>
          {[series.modality, series.number].filter((each) => each !== undefined && each !== "").join(" ")}
        </b>
        <i>{t("rail.count", { count: series.count })}</i>
        <span>{series.description || t("rail.undescribed")}</span>
      </span>
    </UnstyledButton>
  );
}
