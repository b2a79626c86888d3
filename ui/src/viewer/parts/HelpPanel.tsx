import { useTranslation } from "react-i18next";

import { commands } from "../commands";
import { tools } from "../engine/tools";
import { layouts } from "../state";
import styles from "../viewer.module.css";
import { SHIFT, signOf } from "./signs";

/** Every key, from the tables that the keyboard itself works by. */
export function HelpPanel() {
  const { t } = useTranslation("viewer");
  const sign = (key: string) => signOf(key, t("key.space"));
  return (
    <aside className={styles.side} aria-label={t("help")} tabIndex={0}>
      <h2>{t("help")}</h2>
      <p>{t("help.pointer")}</p>
      <dl className={styles.keys}>
        {tools.map((each) => (
          <Line key={each.name} sign={sign(each.key)} says={t(`tool.${each.name}`)} />
        ))}
        <Line sign="1 – 9" says={t("windows")} />
        <Line sign={`${SHIFT} 1 – ${layouts.length}`} says={t("layout")} />
        <Line sign="← →" says={t("help.series")} />
        <Line sign="K" says={t("key-image")} />
        {commands.map((each) => (
          <Line key={each.name} sign={sign(each.key)} says={t(`command.${each.name}`)} />
        ))}
      </dl>
    </aside>
  );
}

function Line({ sign, says }: { sign: string; says: string }) {
  return (
    <div>
      <dt>
        <kbd>{sign}</kbd>
      </dt>
      <dd>{says}</dd>
    </div>
  );
}
