import "./texts";

import { Button, Stack, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";

import { useSession } from "@/app/session";

import { DoorsStep, NodesStep, PasswordStep, StorageStep, StudyStep } from "./steps";
import styles from "./FirstRun.module.css";

/** What whoever sets up an archive looks at once: that it can be reached, keeps, reaches others, and shows. */
export default function FirstRunPage() {
  const { t } = useTranslation("first-run");
  const [, go] = useLocation();
  const { choose } = useSession();
  return (
    <Stack maw={720} mx="auto" gap="md">
      <Title order={1}>{t("title")}</Title>
      <Text size="sm" c="dimmed">
        {t("lead")}
      </Text>
      <ol className={styles.steps}>
        <PasswordStep />
        <DoorsStep />
        <StorageStep />
        <NodesStep />
        <StudyStep />
      </ol>
      <Button
        onClick={() => {
          choose({ first_steps_done: true });
          go("/studies");
        }}
      >
        {t("done")}
      </Button>
    </Stack>
  );
}
