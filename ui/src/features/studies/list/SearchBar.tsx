import { CloseButton, Group, Kbd, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { Suspense, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { afterwards } from "@/app/afterwards";
import { Room } from "@/components/Room";

import type { Tools } from "./SearchTools";
import styles from "./SearchBar.module.css";

const SearchTools = afterwards(() => import("./SearchTools"));

/** How long somebody pauses who goes on typing. */
const PAUSE_MS = 180;

/** One box for everything, and the tools beside it. */
export function SearchBar(tools: Tools) {
  const { filters, isNarrow, isWide, onChange } = tools;
  return (
    <Group gap="sm" wrap="nowrap" className={styles.bar ?? ""}>
      <SearchBox value={filters.q} onChange={(q) => onChange({ ...filters, q })} isNarrow={isNarrow} />
      <Suspense fallback={<Room width={isNarrow ? 84 : isWide ? 626 : 244} height={36} />}>
        <SearchTools {...tools} />
      </Suspense>
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
