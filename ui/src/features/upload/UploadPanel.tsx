import { Button, CloseButton, Group, Paper, Progress, Text } from "@mantine/core";
import { useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";

import { showCount } from "@/i18n/formats";

import { uploads } from "./queue";
import styles from "./UploadArea.module.css";

/** How many files are listed. */
const MOST = 100;

/** How far the upload is, and what became of each file. */
export default function UploadPanel() {
  const { t, i18n } = useTranslation("upload");
  const counts = useSyncExternalStore(uploads.subscribe, uploads.snapshot);
  const [isOpen, setOpen] = useState(false);
  const settled = counts.stored + counts.skipped + counts.failed;
  const part = (count: number) => (100 * count) / counts.all;
  return (
    <Paper shadow="lg" withBorder className={styles.panel ?? ""} role="status">
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm" fw={600}>
          {counts.isRunning
            ? t("running", {
                done: showCount(settled, i18n.language),
                all: showCount(counts.all, i18n.language),
              })
            : t("finished", { count: counts.stored })}
        </Text>
        {counts.isRunning ? (
          <Button size="compact-xs" variant="default" onClick={() => uploads.stop()}>
            {t("stop")}
          </Button>
        ) : (
          <CloseButton size="sm" aria-label={t("clear")} onClick={() => uploads.clear()} />
        )}
      </Group>
      <Progress.Root size="sm" my="xs">
        <Progress.Section
          value={part(counts.stored)}
          color="var(--state-good)"
          aria-label={t("state.stored")}
        />
        <Progress.Section value={part(counts.skipped)} color="gray" aria-label={t("state.skipped")} />
        <Progress.Section
          value={part(counts.failed)}
          color="var(--state-bad)"
          aria-label={t("state.failed")}
        />
      </Progress.Root>
      {counts.held && (
        <Text size="xs" c="var(--state-bad)" mb={4}>
          {t(`held.${counts.held}`)}
        </Text>
      )}
      {counts.skipped > 0 && (
        <Text size="xs" c="dimmed">
          {t("skipped", { count: counts.skipped })}
        </Text>
      )}
      {counts.failed > 0 && (
        <Text size="xs" c="var(--state-bad)">
          {t("failed", { count: counts.failed })}
        </Text>
      )}
      {settled > 0 && (
        <Button size="compact-xs" variant="subtle" mt={4} onClick={() => setOpen(!isOpen)}>
          {isOpen ? t("hide") : t("show")}
        </Button>
      )}
      {isOpen && <Results />}
      {counts.failed > 0 && !counts.isRunning && (
        <Button size="xs" mt="xs" fullWidth onClick={() => uploads.retry()}>
          {t("retry")}
        </Button>
      )}
    </Paper>
  );
}

function Results() {
  const { t } = useTranslation("upload");
  const results = uploads.results();
  return (
    <dl className={styles.results} tabIndex={0}>
      {results.slice(0, MOST).map((item, at) => (
        // One may have chosen the same file twice.
        <div key={at}>
          <dt>{item.path}</dt>
          <dd data-state={item.state}>
            {[
              item.parts ? t("zip", item.parts) : t(`state.${item.state as "stored"}`),
              item.why === "stopped" ? t("stopped") : item.why,
            ]
              .filter(Boolean)
              .join(": ")}
          </dd>
        </div>
      ))}
      {results.length > MOST && <dd>{t("and-more", { count: results.length - MOST })}</dd>}
    </dl>
  );
}
