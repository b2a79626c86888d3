import "uplot/dist/uPlot.min.css";

import { useMantineColorScheme } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import uPlot from "uplot";

export interface Line {
  name: string;
  /** A custom property of the page, such as `--state-news`. */
  colour: string;
  values: readonly number[];
}

interface Props {
  label: string;
  /** Seconds since 1970, ascending. */
  times: readonly number[];
  lines: readonly Line[];
  show: (value: number) => string;
  /** Told at which of the times the pointer stands, null when it stands nowhere. */
  onPoint: (at: number | null) => void;
}

const HEIGHT = 110;
const MINUTES = [1, 2, 5, 10, 15, 20, 30, 60].map((count) => count * 60);
/** Of what is counted there are no halves. */
const WHOLE = Array.from({ length: 15 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();

/** A small plot over the last hour. */
export function Plot({ label, times, lines, show, onPoint }: Props) {
  const { ref, width } = useElementSize();
  const host = useRef<HTMLDivElement>(null);
  const { colorScheme } = useMantineColorScheme();
  const { i18n } = useTranslation();
  const shown = JSON.stringify([lines.map(({ name, colour }) => [name, colour]), i18n.language, colorScheme]);
  const latest = useRef({ times, lines, show, onPoint });
  const plot = useRef<uPlot | null>(null);

  useEffect(() => {
    latest.current = { times, lines, show, onPoint };
    plot.current?.setData(dataOf(times, lines));
  });

  useEffect(() => {
    if (!host.current || width === 0) return;
    const style = getComputedStyle(host.current);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const { lines: now, times: ticks } = latest.current;
    const axis = {
      stroke: colour("--mantine-color-dimmed"),
      grid: { stroke: colour("--line"), width: 1 },
      ticks: { show: false },
      font: `11px ${style.fontFamily}`,
    };
    const made = new uPlot(
      {
        width,
        height: HEIGHT,
        legend: { show: false },
        hooks: { setCursor: [(at) => latest.current.onPoint(at.cursor.idx ?? null)] },
        cursor: { drag: { x: false, y: false }, points: { size: 5 } },
        scales: { y: { range: (_plot, _low, high) => [0, Math.max(high, 1)] } },
        axes: [
          {
            ...axis,
            values: (_plot, at) =>
              at.map((second) =>
                new Intl.DateTimeFormat(i18n.language, { timeStyle: "short" }).format(second * 1000),
              ),
            space: 70,
            size: 26,
            incrs: MINUTES,
          },
          {
            ...axis,
            size: 54,
            incrs: WHOLE,
            values: (_plot, at) => at.map((value) => latest.current.show(value)),
          },
        ],
        series: [
          {},
          ...now.map((line) => ({
            label: line.name,
            stroke: colour(line.colour),
            fill: `${colour(line.colour)}22`,
            width: 1.5,
            points: { show: false },
          })),
        ],
      },
      dataOf(ticks, now),
      host.current,
    );
    plot.current = made;
    return () => {
      made.destroy();
      plot.current = null;
    };
  }, [width, shown, i18n.language]);

  return (
    <div ref={ref} role="img" aria-label={label} style={{ minHeight: HEIGHT }}>
      <div ref={host} />
    </div>
  );
}

function dataOf(times: readonly number[], lines: readonly Line[]): uPlot.AlignedData {
  return [[...times], ...lines.map((line) => [...line.values])];
}
