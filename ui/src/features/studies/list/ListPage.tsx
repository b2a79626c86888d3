import { Button, Group, Text } from "@mantine/core";
import { useHotkeys, useMediaQuery } from "@mantine/hooks";
import type { TFunction } from "i18next";
import { lazy, Suspense, useCallback, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { pageShown } from "@/app/first";
import { useMay } from "@/app/session";
import { Failure } from "@/components/Failure";
import { UploadArea } from "@/features/upload/UploadArea";
import { showCount } from "@/i18n/formats";

import { useColumns } from "./columns";
import { FilterChips } from "./FilterChips";
import { SearchBar } from "./SearchBar";
import { StudyList } from "./StudyList";
import { usePages } from "./usePages";
import { openViewer } from "../actions/viewers";
import { countFilters, NO_FILTERS, nextOrder } from "../state";
import { useArrivals } from "../useArrivals";
import { useListState } from "../useListState";
import { useSelection } from "../useSelection";
import type { Study } from "../api";
import styles from "./ListPage.module.css";

// What stands beside the list comes after it.
const NoStudies = lazy(() => import("./NoStudies"));
const NothingFits = lazy(() => import("./NothingFits"));
const SelectionBar = lazy(() => import("../actions/SelectionBar"));
const StudyPanel = lazy(() => import("../panel/StudyPanel"));

const help = async (t: TFunction<"studies">) => (await import("./KeysHelp")).showKeys(t);

/** The study list with what is done with it: search, choose, look, act. */
export function ListPage() {
  return (
    <UploadArea>
      <Page />
    </UploadArea>
  );
}

function Page() {
  const { t } = useTranslation("studies");
  const [state, change] = useListState();
  const isNarrow = useMediaQuery("(max-width: 700px)", false, { getInitialValueInEffect: false });
  const isWide = useMediaQuery(`(min-width: ${state.study ? 1600 : 1100}px)`, true, {
    getInitialValueInEffect: false,
  });
  // On a phone, whichever way it is held, the study covers the list.
  const isOver = useMediaQuery("(max-width: 700px), (max-width: 999px) and (max-height: 699px)", false, {
    getInitialValueInEffect: false,
  });
  const [range, setRange] = useState<readonly [number, number]>([0, 0]);
  // A place in one list: another one, by whatever way one came to it, begins without.
  const list = JSON.stringify([state.filters, state.order]);
  const [cursor, setCursor] = useState({ list, index: -1 });
  const current = cursor.list === list ? cursor.index : -1;
  const rows = usePages({ filters: state.filters, order: state.order }, ...range);
  const { chosen, setNames } = useColumns();
  const selection = useSelection();
  const arrivals = useArrivals(rows.change);
  const mayChange = useMay("operator");

  const onRange = useCallback((first: number, last: number) => setRange([first, last]), []);
  const look = (study: Study) => change({ study: study.StudyInstanceUID });
  const open = (study: Study) => openViewer([study.StudyInstanceUID]);
  const close = () => {
    change({ study: "" });
    // Who came by the keyboard goes on where they were.
    document.querySelector<HTMLElement>("[data-list]")?.focus({ preventScroll: true });
  };
  const moveTo = (index: number) => {
    setCursor({ list, index });
    const study = rows.row(index);
    // The panel follows along the list where it is open beside it.
    if (study && state.study && !isOver) look(study);
  };
  const narrow = (filters: typeof state.filters) => change({ filters });
  useHotkeys([
    ["/", () => document.querySelector<HTMLInputElement>('input[name="q"]')?.focus()],
    ["shift+?", () => void help(t)],
    ["?", () => void help(t)],
  ]);

  useEffect(() => {
    if (!rows.isLoading) pageShown();
  }, [rows.isLoading]);

  const isFiltered = state.filters.q.trim() !== "" || countFilters(state.filters) > 0;
  const isEmpty = !rows.isLoading && rows.total === 0 && !rows.error;
  return (
    <div className={styles.page}>
      <div className={styles.main}>
        <SearchBar
          filters={state.filters}
          isNarrow={isNarrow}
          isWide={isWide}
          mayStore={mayChange}
          columns={chosen}
          onColumns={setNames}
          onChange={narrow}
          order={state.order}
          onOrder={(order) => change({ order })}
        />
        <FilterChips filters={state.filters} isWide={isWide} onChange={narrow} />
        {rows.error && <Failure error={rows.error} onRetry={rows.retry} />}
        <Group gap="sm" mih={26} justify="space-between" wrap="nowrap">
          <Total total={rows.total} isExact={rows.isExact} isLoading={rows.isLoading} />
          {arrivals.count > 0 && (
            <Button size="compact-sm" radius="xl" onClick={() => void arrivals.show()} aria-live="polite">
              {t("news", { count: arrivals.count })} · {t("news.show")}
            </Button>
          )}
        </Group>
        {isEmpty ? (
          <div className={styles.empty}>
            <Suspense>
              {isFiltered ? <NothingFits onClear={() => narrow(NO_FILTERS)} /> : <NoStudies />}
            </Suspense>
          </div>
        ) : (
          <StudyList
            columns={chosen}
            rows={rows}
            isNarrow={isNarrow}
            current={current}
            order={state.order}
            selected={selection.selected}
            onRange={onRange}
            onCurrent={moveTo}
            onLook={look}
            onOpen={open}
            onToggle={selection.toggle}
            onToggleShown={selection.toggleShown}
            onOrder={(keyword) => change({ order: nextOrder(state.order, keyword) })}
            onLeave={() => (state.study ? change({ study: "" }) : selection.clear())}
          />
        )}
        {selection.selected.size > 0 && (
          <Suspense>
            <SelectionBar studies={[...selection.selected.values()]} onClear={selection.clear} />
          </Suspense>
        )}
      </div>
      {state.study && (
        <Suspense>
          <StudyPanel uid={state.study} isOver={isOver} onClose={close} />
        </Suspense>
      )}
    </div>
  );
}

function Total({ total, isExact, isLoading }: { total: number; isExact: boolean; isLoading: boolean }) {
  const { t, i18n } = useTranslation("studies");
  const shown = showCount(total, i18n.language);
  return (
    <Text size="xs" c="dimmed" aria-live="polite">
      {isLoading && total === 0
        ? ""
        : isExact
          ? t("count.studies", { count: total, shown })
          : t("count.more", { shown })}
    </Text>
  );
}
