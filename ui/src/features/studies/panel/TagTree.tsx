import { Loader, Stack, Text, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useDeferredValue, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";

import { Failure } from "@/components/Failure";

import { useHeader, useKeywords } from "../dicom";
import { linesOf, search, showTag } from "../tags";
import styles from "./panel.module.css";

/** Lines that are drawn; a header with more is searched. */
const MOST = 1500;

/** The header of an image, line by line, searched by tag, keyword or value. */
export function TagTree({ study, series, instance }: { study: string; series: string; instance: string }) {
  const { t } = useTranslation("studies");
  const [text, setText] = useState("");
  const wanted = useDeferredValue(text);
  const header = useHeader(study, series, instance);
  const keywords = useKeywords();
  const lines = useMemo(
    () => (header.data && keywords.data ? linesOf(header.data, keywords.data) : []),
    [header.data, keywords.data],
  );
  const found = useMemo(() => search(lines, wanted), [lines, wanted]);
  const failed = header.error ?? keywords.error;
  if (failed) return <Failure error={failed} onRetry={() => void header.refetch()} />;
  if (header.isPending || keywords.isPending) return <Loader size="sm" mx="auto" />;
  return (
    <Stack gap="sm">
      <TextInput
        type="search"
        size="xs"
        aria-label={t("tags.search")}
        placeholder={t("tags.search")}
        leftSection={<IconSearch size={14} />}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || !text) return;
          event.stopPropagation();
          setText("");
        }}
      />
      {found.length === 0 && (
        <Text size="xs" c="dimmed">
          {t("tags.none")}
        </Text>
      )}
      <dl className={styles.tags}>
        {found.slice(0, MOST).map((line) => (
          <div key={line.path} className={styles.tag} style={{ paddingLeft: line.depth * 10 }}>
            <dt>
              <code>{line.item ? t("tags.item", { number: line.item }) : showTag(line.tag)}</code>
            </dt>
            <dd style={{ margin: 0 }}>
              {!line.item && (
                <>
                  <span className={styles.keyword}>
                    {line.keyword || "—"} <code>{line.vr}</code>
                  </span>
                  <div className={styles.value}>
                    {line.value === "…" ? <i>{t("tags.bulk")}</i> : line.value}
                  </div>
                </>
              )}
            </dd>
          </div>
        ))}
      </dl>
    </Stack>
  );
}
