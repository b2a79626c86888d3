import { ActionIcon, Badge, Button, Group, MultiSelect, Popover, Select } from "@mantine/core";
import { IconFilter } from "@tabler/icons-react";
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";

import { UploadButton } from "@/features/upload/UploadButton";

import { MODALITIES } from "./codes";
import { ColumnMenu } from "./ColumnMenu";
import type { Column, ColumnName } from "./columns";
import { isPreset, presets } from "../dates";
import { countFilters } from "../state";
import type { Filters } from "../state";
import styles from "./SearchBar.module.css";

const FilterForm = lazy(() => import("./FilterForm"));
const OrderForm = lazy(() => import("./OrderForm"));

export interface Tools {
  filters: Filters;
  isNarrow: boolean;
  /** Room for the filters that are used all day. */
  isWide: boolean;
  /** Whether somebody may upload. */
  mayStore: boolean;
  columns: readonly Column[];
  onColumns: (names: ColumnName[]) => void;
  onChange: (filters: Filters) => void;
  order: string;
  onOrder: (order: string) => void;
}

/** Beside the box for everything: the two filters that are used all day, the others behind a button, columns, upload. */
export default function SearchTools(props: Tools) {
  const { filters, isNarrow, isWide, mayStore, columns, onColumns, onChange, order, onOrder } = props;
  const { t } = useTranslation("studies");
  const others = countFilters(filters);
  return (
    <Group gap="sm" wrap="nowrap">
      {isWide && (
        <>
          <Select
            w={176}
            clearable
            aria-label={t("col.StudyDate")}
            placeholder={t("filter.any-date")}
            data={presets.map((value) => ({ value, label: t(`date.${value}`) }))}
            value={isPreset(filters.StudyDate) ? filters.StudyDate : null}
            onChange={(value) => onChange({ ...filters, StudyDate: value ?? "" })}
          />
          <MultiSelect
            w={190}
            searchable
            clearable
            aria-label={t("col.ModalitiesInStudy")}
            placeholder={filters.ModalitiesInStudy.length ? "" : t("filter.any-modality")}
            data={MODALITIES}
            value={[...filters.ModalitiesInStudy]}
            onChange={(ModalitiesInStudy) => onChange({ ...filters, ModalitiesInStudy })}
            classNames={{ pillsList: styles.oneLine ?? "" }}
          />
        </>
      )}
      <Popover
        width={isNarrow ? "calc(100vw - 24px)" : 460}
        position="bottom-end"
        shadow="md"
        trapFocus
        withinPortal
      >
        <Popover.Target>
          {isNarrow ? (
            <ActionIcon variant="default" size={36} aria-label={t("filter.open")}>
              <IconFilter size={17} stroke={1.6} />
            </ActionIcon>
          ) : (
            <Button
              variant="default"
              leftSection={<IconFilter size={15} stroke={1.6} />}
              rightSection={
                others ? (
                  <Badge size="sm" circle>
                    {others}
                  </Badge>
                ) : undefined
              }
            >
              {t("filter.open")}
            </Button>
          )}
        </Popover.Target>
        <Popover.Dropdown className={styles.filters ?? ""}>
          <Suspense>
            <FilterForm filters={filters} onChange={onChange} />
            {/* Cards have no heads to sort them by. */}
            {isNarrow && <OrderForm order={order} onOrder={onOrder} />}
          </Suspense>
        </Popover.Dropdown>
      </Popover>
      {!isNarrow && <ColumnMenu chosen={columns} onChoose={onColumns} />}
      {mayStore && <UploadButton isSmall={isNarrow} />}
    </Group>
  );
}
