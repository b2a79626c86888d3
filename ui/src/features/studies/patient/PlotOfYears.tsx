import { Text, Tooltip } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { showDate } from "@/i18n/formats";

import type { Study } from "../api";
import styles from "./PlotOfYears.module.css";

const DAY_MS = 86_400_000;

/** When the patient was here, to scale: one mark a study, years below. */
export function PlotOfYears({ studies }: { studies: readonly Study[] }) {
  const { t, i18n } = useTranslation("studies");
  const dated = studies.flatMap((study) => {
    const at = timeOf(study.StudyDate);
    return at === null ? [] : [{ study, at }];
  });
  if (dated.length < 2) return null;
  const times = dated.map((each) => each.at);
  const [first, last] = [Math.min(...times) - 30 * DAY_MS, Math.max(...times) + 30 * DAY_MS];
  const place = (at: number) => `${(100 * (at - first)) / (last - first)}%`;
  const from = new Date(first).getUTCFullYear() + 1;
  const years = Array.from(
    { length: Math.max(0, new Date(last).getUTCFullYear() - from + 1) },
    (_, n) => from + n,
  );
  const step = Math.ceil(years.length / 10);
  return (
    <figure className={styles.plot} aria-label={t("patient.timeline")}>
      <div className={styles.line} />
      {dated.map(({ study, at }) => (
        <Tooltip
          key={study.StudyInstanceUID}
          label={`${showDate(study.StudyDate, i18n.language)} · ${(study.ModalitiesInStudy ?? []).join(", ")}`}
        >
          <span className={styles.mark} style={{ left: place(at) }} />
        </Tooltip>
      ))}
      {years
        .filter((_, at) => at % step === 0)
        .map((year) => (
          <Text
            key={year}
            size="xs"
            c="dimmed"
            className={styles.year ?? ""}
            style={{ left: place(Date.UTC(year, 0, 1)) }}
          >
            {year}
          </Text>
        ))}
    </figure>
  );
}

function timeOf(date: string | undefined): number | null {
  if (!date || !/^\d{8}$/.test(date)) return null;
  return Date.UTC(Number(date.slice(0, 4)), Number(date.slice(4, 6)) - 1, Number(date.slice(6)));
}
