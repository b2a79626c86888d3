import {
  ActionIcon,
  Badge,
  Button,
  CloseButton,
  Group,
  Kbd,
  MultiSelect,
  Popover,
  Select,
  TextInput,
} from "@mantine/core";
import { IconFilter, IconSearch } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { showDate } from "@/i18n/formats";

import { FilterForm, MODALITIES } from "./FilterForm";
import { isPreset, presets } from "../dates";
import { countFilters, NO_FILTERS } from "../state";
import type { FilterName, Filters } from "../state";
import styles from "./SearchBar.module.css";

interface Props {
  filters: Filters;
  isNarrow: boolean;
  /** Room for the filters that are used all day. */
  isWide: boolean;
  onChange: (filters: Filters) => void;
}

/** How long somebody pauses who goes on typing. */
const PAUSE_MS = 180;

/** One box for everything, the two filters that are used all day, and the others behind a button. */
export function SearchBar({ filters, isNarrow, isWide, onChange }: Props) {
  const { t } = useTranslation("studies");
  const others = countFilters(filters);
  return (
    <Group gap="sm" wrap="nowrap" className={styles.bar ?? ""}>
      <SearchBox value={filters.q} onChange={(q) => onChange({ ...filters, q })} isNarrow={isNarrow} />
      {isWide && (
        <>
          <Select
            w={150}
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
        <Popover.Dropdown>
          <FilterForm filters={filters} onChange={onChange} />
        </Popover.Dropdown>
      </Popover>
    </Group>
  );
}

function SearchBox({
  value,
  onChange,
  isNarrow,
}: {
  value: string;
  onChange: (q: string) => void;
  isNarrow: boolean;
}) {
  const { t } = useTranslation("studies");
  const [typed, setTyped] = useState(value);
  const [told, setTold] = useState(value);
  if (value !== told) {
    // The address has changed by another way: a link, "back", a cleared filter.
    setTold(value);
    setTyped(value);
  }
  const change = useRef(onChange);
  useEffect(() => {
    change.current = onChange;
  });
  useEffect(() => {
    if (typed === told) return undefined;
    const timer = setTimeout(() => {
      setTold(typed);
      change.current(typed);
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed, told]);
  return (
    <TextInput
      className={styles.search ?? ""}
      type="search"
      name="q"
      maxLength={256}
      aria-label={t("search.label")}
      placeholder={t("search.placeholder")}
      leftSection={<IconSearch size={16} stroke={1.6} />}
      rightSection={
        typed ? (
          <CloseButton size="sm" aria-label={t("search.clear")} onClick={() => setTyped("")} />
        ) : isNarrow ? null : (
          <Kbd size="xs">/</Kbd>
        )
      }
      value={typed}
      onChange={(event) => setTyped(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === "Escape" && typed) {
          setTyped("");
          event.stopPropagation();
        } else if (event.key === "ArrowDown" || event.key === "Enter") {
          document.querySelector<HTMLElement>("[data-list]")?.focus();
          event.preventDefault();
        }
      }}
    />
  );
}

/** The filters that hold, each with a way to take it off. */
export function FilterChips({ filters, onChange }: Omit<Props, "isNarrow" | "isWide">) {
  const { t, i18n } = useTranslation("studies");
  if (countFilters(filters) === 0) return null;
  const words: Partial<Record<FilterName, string>> = {
    PatientName: filters.PatientName,
    PatientID: filters.PatientID,
    AccessionNumber: filters.AccessionNumber,
    ModalitiesInStudy: filters.ModalitiesInStudy.join(", "),
    StudyDate: isPreset(filters.StudyDate)
      ? t(`date.${filters.StudyDate}`)
      : [...new Set(filters.StudyDate.split("-"))].map((day) => showDate(day, i18n.language)).join(" – "),
    StudyDescription: filters.StudyDescription,
    label: filters.label.join(", "),
    remark: filters.remark,
  };
  const name = (filter: FilterName) =>
    filter === "label" ? t("col.labels") : t(`col.${filter}` as "col.remark");
  return (
    <Group gap={6}>
      {(Object.entries(words) as [FilterName, string][])
        .filter(([, word]) => word)
        .map(([filter, word]) => (
          <Badge
            key={filter}
            variant="light"
            size="lg"
            tt="none"
            fw={450}
            rightSection={
              <CloseButton
                size={16}
                aria-label={t("filter.remove", { name: name(filter) })}
                onClick={() => onChange({ ...filters, [filter]: NO_FILTERS[filter] })}
              />
            }
          >
            {name(filter)}: <bdi>{word}</bdi>
          </Badge>
        ))}
      <Button
        size="compact-xs"
        variant="subtle"
        color="gray"
        onClick={() => onChange({ ...NO_FILTERS, q: filters.q })}
      >
        {t("filter.clear")}
      </Button>
    </Group>
  );
}
