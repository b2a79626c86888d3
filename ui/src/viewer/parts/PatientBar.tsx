import { Text, UnstyledButton } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { Mark } from "@/components/Mark";
import { showDate, showName } from "@/i18n/formats";

import type { Study } from "../study/asking";
import styles from "../viewer.module.css";

/** Whose pictures these are: the first thing to be sure of. */
export function PatientBar({ study }: { study: Study | undefined }) {
  const { t, i18n } = useTranslation("viewer");
  const facts = [
    study?.patientId,
    showDate(study?.birthDate, i18n.language),
    study?.sex,
    showDate(study?.date, i18n.language),
    study?.description,
  ];
  return (
    <header className={styles.patient}>
      <UnstyledButton component="a" href="studies" aria-label={t("back")} title={t("back")}>
        <Mark size={22} />
      </UnstyledButton>
      <Text component="h1" fw={650} size="md" truncate>
        {showName(study?.patientName, i18n.language) || t("unnamed")}
      </Text>
      <Text size="sm" c="dimmed" truncate visibleFrom="xs">
        {facts.filter(Boolean).join(" · ")}
      </Text>
    </header>
  );
}
