import { Button, CloseButton, Group, Paper, Progress, Text } from "@mantine/core";
import { useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";

import { showCount } from "@/i18n/formats";

import { uploads } from "./queue";
import styles from "./UploadArea.module.css";

/** How many failures are listed. */
const MOST = 100;

/** How far the upload is, and what did not get in. */
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
      {counts.skipped > 0 && (
        <Text size="xs" c="dimmed">
          {t("skipped", { count: counts.skipped })}
        </Text>
      )}
      {counts.failed > 0 && (
        <>
          <Group justify="space-between">
            <Text size="xs" c="var(--state-bad)">
              {t("failed", { count: counts.failed })}
            </Text>
            <Button size="compact-xs" variant="subtle" onClick={() => setOpen(!isOpen)}>
              {isOpen ? t("hide") : t("show")}
            </Button>
          </Group>
          {isOpen && <Failures />}
          {!counts.isRunning && (
            <Button size="xs" mt="xs" fullWidth onClick={() => uploads.retry()}>
              {t("retry")}
            </Button>
          )}
        </>
      )}
    </Paper>
  );
}

function Failures() {
  const { t } = useTranslation("upload");
  const failures = uploads.failures();
  return (
    <dl className={styles.failures}>
      {failures.slice(0, MOST).map((item) => (
        <div key={item.path}>
          <dt>{item.path}</dt>
          <dd>{item.why === "lost" || item.why === "stopped" ? t(item.why) : item.why}</dd>
        </div>
      ))}
      {failures.length > MOST && <dd>{t("and-more", { count: failures.length - MOST })}</dd>}
    </dl>
  );
}
