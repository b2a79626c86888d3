import { Anchor, SegmentedControl } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { instanceAddress } from "../study/addresses";
import type { Stack } from "../study/stack";
import styles from "../viewer.module.css";

/**
 * Reports and documents of a series, as the server renders them: a page of its own, which may show and do nothing
 * else.
 */
export function Papers({ stack }: { stack: Stack }) {
  const { t } = useTranslation("viewer");
  const [chosen, choose] = useState(0);
  const paper = stack.papers[chosen];
  if (!paper) return <p className={styles.hint}>{t("papers.none")}</p>;
  const address = `${instanceAddress(stack.ref, paper.instance)}/rendered`;
  return (
    <div className={styles.papers}>
      {stack.papers.length > 1 && (
        <SegmentedControl
          size="xs"
          value={String(chosen)}
          onChange={(value) => choose(Number(value))}
          data={stack.papers.map((each, index) => ({
            value: String(index),
            label: each.title || String(index + 1),
          }))}
        />
      )}
      <iframe title={paper.title || stack.description} src={address} />
      <Anchor href={address} target="_blank" rel="noreferrer" size="sm">
        {t("papers.open")}
      </Anchor>
    </div>
  );
}
