import { useTranslation } from "react-i18next";

import { StateMark } from "@/components/StateMark";

/** Whether the archive has what a node told of: all of it, a part, or nothing (then nothing is said). */
export function Here({ here, there }: { here: number | undefined; there: number }) {
  const { t } = useTranslation("query");
  if (!here) return null;
  if (there > here) return <StateMark state="warning">{t("here.part", { here, there })}</StateMark>;
  return <StateMark state="good">{t("here.complete")}</StateMark>;
}
