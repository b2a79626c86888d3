import { Loader, UnstyledButton } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef } from "react";
import type { MouseEvent } from "react";
import { useTranslation } from "react-i18next";

import { fitting, leastWidth } from "./columns";
import type { Column } from "./columns";
import { StudyRow } from "./StudyRow";
import { useListKeys } from "./useListKeys";
import styles from "./StudyList.module.css";
import type { Rows } from "./usePages";
import type { Study } from "../api";

interface Props {
  columns: readonly Column[];
  rows: Rows;
  /** Cards of two lines instead of a table. */
  isNarrow: boolean;
  current: number;
  order: string;
  selected: ReadonlyMap<string, Study>;
  onRange: (first: number, last: number) => void;
  onCurrent: (index: number) => void;
  onLook: (study: Study) => void;
  onOpen: (study: Study) => void;
  onToggle: (study: Study) => void;
  onToggleShown: (studies: readonly Study[]) => void;
  onOrder: (keyword: string) => void;
  onLeave: () => void;
}

const ROW = 34;
const CARD = 58;
const BAR = 64;

/** The studies, as many as there are: only what is looked at is on the page, and only that is fetched. */
export function StudyList(props: Props) {
  const { rows, isNarrow, current, selected, onRange } = props;
  const { t, i18n } = useTranslation("studies");
  const scroll = useRef<HTMLDivElement>(null);
  const { ref: frame, width } = useElementSize();
  // eslint-disable-next-line react-hooks/incompatible-library -- it returns functions that change; nothing is memoised
  const virtual = useVirtualizer({
    count: rows.total,
    getScrollElement: () => scroll.current,
    estimateSize: () => (isNarrow ? CARD : ROW),
    overscan: 8,
    paddingStart: isNarrow ? 0 : ROW,
    scrollPaddingStart: isNarrow ? 0 : ROW,
    // Nothing hides behind the bar of what is chosen.
    paddingEnd: selected.size ? BAR : 0,
    scrollPaddingEnd: selected.size ? BAR : 0,
  });
  const items = virtual.getVirtualItems();
  const [first, last] = [items[0]?.index ?? 0, items.at(-1)?.index ?? 0];
  useEffect(() => onRange(first, last), [onRange, first, last]);
  useEffect(() => virtual.measure(), [virtual, isNarrow]);
  const key = JSON.stringify(rows.shown);
  useEffect(() => virtual.scrollToOffset(0), [virtual, key]);

  const onKeyDown = useListKeys(props, virtual, scroll);
  const onScreen = items.flatMap((item) => rows.row(item.index) ?? []);
  const columns = useMemo(() => fitting(props.columns, width || Infinity), [props.columns, width]);
  const template = `28px ${columns.map((column) => column.width).join(" ")}`;
  const areAll = onScreen.length > 0 && onScreen.every((study) => selected.has(study.StudyInstanceUID));
  const pointed = (event: MouseEvent) => {
    const row = (event.target as Element).closest<HTMLElement>("[data-index]");
    const index = Number(row?.dataset.index ?? -1);
    return { index, study: rows.row(index) };
  };
  const onClick = (event: MouseEvent) => {
    const { index, study } = pointed(event);
    if (!study) return;
    const isBox = (event.target as Element).closest("[data-check]");
    if (isBox || event.ctrlKey || event.metaKey) props.onToggle(study);
    else {
      props.onCurrent(index);
      props.onLook(study);
    }
  };
  const onDoubleClick = (event: MouseEvent) => {
    const { study } = pointed(event);
    if (study && !(event.target as Element).closest("[data-check]")) props.onOpen(study);
  };
  return (
    <div ref={frame} className={styles.frame}>
      <div
        ref={scroll}
        className={styles.scroll}
        role="grid"
        tabIndex={0}
        aria-label={t("title")}
        aria-rowcount={rows.total + 1}
        aria-multiselectable
        aria-activedescendant={items.some(({ index }) => index === current) ? `study-${current}` : undefined}
        aria-busy={rows.isLoading}
        onKeyDown={onKeyDown}
        data-list
      >
        <div
          className={styles.inner}
          style={{ height: virtual.getTotalSize(), minWidth: isNarrow ? 0 : leastWidth(columns) }}
          role="presentation"
          onClick={onClick}
          onDoubleClick={onDoubleClick}
        >
          {!isNarrow && (
            <div
              className={`${styles.head ?? ""} ${styles.line ?? ""}`}
              style={{ gridTemplateColumns: template }}
              role="row"
            >
              <span role="columnheader" className={styles.check}>
                <input
                  type="checkbox"
                  className={styles.box}
                  aria-label={t("select.all")}
                  checked={areAll}
                  ref={(box) => {
                    if (box) box.indeterminate = selected.size > 0 && !areAll;
                  }}
                  onChange={() => props.onToggleShown(onScreen)}
                  tabIndex={-1}
                />
              </span>
              {columns.map((column) => (
                <Head key={column.name} column={column} order={rows.shown.order} onOrder={props.onOrder} />
              ))}
            </div>
          )}
          {items.map((item) => (
            <StudyRow
              key={item.index}
              index={item.index}
              top={item.start}
              height={isNarrow ? CARD : ROW}
              template={isNarrow ? "" : template}
              columns={columns}
              study={rows.row(item.index)}
              isCurrent={item.index === current}
              isSelected={selected.has(rows.row(item.index)?.StudyInstanceUID ?? "")}
              language={i18n.language}
              t={t}
            />
          ))}
        </div>
      </div>
      {rows.isLoading && rows.total === 0 && <Loader size="sm" m="xl" mx="auto" />}
    </div>
  );
}

function Head({
  column,
  order,
  onOrder,
}: {
  column: Column;
  order: string;
  onOrder: (keyword: string) => void;
}) {
  const { t } = useTranslation("studies");
  const direction = order === column.name ? "ascending" : order === `-${column.name}` ? "descending" : "none";
  const Arrow = direction === "ascending" ? IconArrowUp : IconArrowDown;
  const name = t(`col.${column.name}`);
  return (
    <span
      role="columnheader"
      aria-sort={direction}
      className={`${styles.cell ?? ""} ${column.isNumber ? (styles.number ?? "") : ""}`}
    >
      <UnstyledButton
        className={styles.sorter}
        onClick={() => onOrder(column.name)}
        data-sorted={direction === "none" ? undefined : true}
        aria-label={t("sort.by", { column: name })}
      >
        {name}
        {direction !== "none" && <Arrow size={12} />}
      </UnstyledButton>
    </span>
  );
}
