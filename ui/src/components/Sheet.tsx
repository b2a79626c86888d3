import { Checkbox, UnstyledButton } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import { Fragment } from "react";
import type { KeyboardEvent, ReactNode } from "react";

import styles from "./Sheet.module.css";

export interface Column<Row> {
  key: string;
  title: string;
  cell: (row: Row) => ReactNode;
  /** What to sort by; a column without it cannot be sorted. */
  by?: (row: Row) => string | number;
  kind?: "text" | "number" | "tight" | "whole" | "actions" | "menu";
}

export interface Sorting {
  key: string;
  isDescending: boolean;
}

interface Props<Row> {
  label: string;
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  keyOf: (row: Row) => string;
  sorting?: Sorting;
  onSort?: (sorting: Sorting) => void;
  /** Opens a row, by click or Enter. */
  onOpen?: (row: Row) => void;
  /** What stands below a row, over its whole width. */
  more?: (row: Row) => ReactNode;
  chosen?: ReadonlySet<string>;
  onChoose?: (chosen: ReadonlySet<string>) => void;
  chooseLabel?: (row: Row) => string;
  chooseAllLabel?: string;
}

const CLASSES = {
  text: "",
  number: styles.end ?? "",
  tight: styles.tight ?? "",
  whole: styles.whole ?? "",
  actions: `${styles.tight ?? ""} ${styles.end ?? ""} ${styles.actions ?? ""}`,
  menu: `${styles.tight ?? ""} ${styles.end ?? ""} ${styles.menu ?? ""}`,
};

const PHONE = "(max-width: 48em)";
const TABLET = "(max-width: 62em)";
/** Columns that an upright tablet has room for. */
const MANY = 7;

/** A table of some tens or hundreds of rows; where it has no room, cards. The first column names the row. */
export function Sheet<Row>(props: Props<Row>) {
  const { label, rows, columns, keyOf, chosen, onChoose } = props;
  const areCards = useMediaQuery(columns.length > MANY ? TABLET : PHONE, false, {
    getInitialValueInEffect: false,
  });
  const areAll = rows.length > 0 && rows.every((row) => chosen?.has(keyOf(row)));
  return (
    <div className={styles.frame}>
      <table className={styles.sheet} aria-label={label} data-cards={areCards || undefined}>
        <thead>
          <tr>
            {onChoose && (
              <th scope="col" className={styles.tight}>
                <Checkbox
                  size="xs"
                  aria-label={props.chooseAllLabel}
                  checked={areAll}
                  indeterminate={!areAll && rows.some((row) => chosen?.has(keyOf(row)))}
                  onChange={() => onChoose(new Set(areAll ? [] : rows.map(keyOf)))}
                />
              </th>
            )}
            {columns.map((column) => (
              <Head key={column.key} column={column} sorting={props.sorting} onSort={props.onSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Line key={keyOf(row)} row={row} {...props} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface HeadProps<Row> {
  column: Column<Row>;
  sorting: Sorting | undefined;
  onSort: ((sorting: Sorting) => void) | undefined;
}

function Head<Row>({ column, sorting, onSort }: HeadProps<Row>) {
  const { key, title, by, kind = "text" } = column;
  const isSorted = sorting?.key === key;
  const isDescending = isSorted && sorting.isDescending;
  const Arrow = isDescending ? IconArrowDown : IconArrowUp;
  const order = isDescending ? "descending" : "ascending";
  return (
    <th scope="col" className={CLASSES[kind]} aria-sort={isSorted ? order : undefined}>
      {by && onSort ? (
        <UnstyledButton
          className={styles.sort ?? ""}
          onClick={() => onSort({ key, isDescending: isSorted && !isDescending })}
        >
          {title}
          {isSorted && <Arrow size={12} />}
        </UnstyledButton>
      ) : (
        title
      )}
    </th>
  );
}

function Line<Row>(props: Props<Row> & { row: Row }) {
  const { row, columns, keyOf, onOpen, chosen, onChoose } = props;
  const key = keyOf(row);
  const isChosen = chosen?.has(key) ?? false;
  const more = props.more?.(row);
  const choose = () => {
    const next = new Set(chosen);
    if (!next.delete(key)) next.add(key);
    onChoose?.(next);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTableRowElement>) => {
    if (event.target !== event.currentTarget) return;
    const line = event.currentTarget;
    const step = { ArrowDown: line.nextElementSibling, ArrowUp: line.previousElementSibling }[event.key];
    if (step instanceof HTMLElement) step.focus();
    else if (event.key === "Enter" && onOpen) onOpen(row);
    else if (event.key === " " && onChoose) choose();
    else return;
    event.preventDefault();
  };
  return (
    <Fragment>
      <tr
        className={styles.row}
        tabIndex={onOpen || onChoose ? 0 : undefined}
        data-opens={onOpen ? true : undefined}
        data-chosen={isChosen || undefined}
        data-has-more={more ? true : undefined}
        onKeyDown={onKeyDown}
        onClick={(event) => {
          // A button, link or box in the row means itself.
          const isControl =
            (event.target as Element).closest("button, a, input, label, [role=menu]") !== null;
          if (!isControl && document.getSelection()?.isCollapsed !== false) onOpen?.(row);
        }}
      >
        {onChoose && (
          <td className={styles.tight}>
            <Checkbox size="xs" aria-label={props.chooseLabel?.(row)} checked={isChosen} onChange={choose} />
          </td>
        )}
        {columns.map((column, at) => (
          <td
            key={column.key}
            data-title={column.title}
            className={`${CLASSES[column.kind ?? "text"]} ${at === 0 ? (styles.head ?? "") : ""}`}
          >
            {column.cell(row)}
          </td>
        ))}
      </tr>
      {more && (
        <tr className={styles.more}>
          <td className={styles.more} colSpan={columns.length + (onChoose ? 1 : 0)}>
            {more}
          </td>
        </tr>
      )}
    </Fragment>
  );
}

/** Return the rows in the order of a column, numbers by size and texts as the reader's language has them. */
export function sorted<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  sorting: Sorting | undefined,
  language: string,
): readonly Row[] {
  const by = columns.find((column) => column.key === sorting?.key)?.by;
  if (!by || !sorting) return rows;
  const { compare } = new Intl.Collator(language, { numeric: true });
  const sign = sorting.isDescending ? -1 : 1;
  return [...rows].sort((one, other) => {
    const [first, second] = [by(one), by(other)];
    const order =
      typeof first === "number" && typeof second === "number"
        ? first - second
        : compare(String(first), String(second));
    return sign * order;
  });
}
