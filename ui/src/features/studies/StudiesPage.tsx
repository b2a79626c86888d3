import { Title } from "@mantine/core";
import { useTranslation } from "react-i18next";

/** The study list. */
export default function StudiesPage() {
  const { t } = useTranslation();
  return <Title order={1}>{t("nav.studies")}</Title>;
}
