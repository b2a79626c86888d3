import { Anchor } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { keepTurned } from "../engine/turning";
import { setState } from "../state";
import { instanceAddress } from "../study/addresses";
import type { Paper, Stack } from "../study/stack";
import styles from "../viewer.module.css";
import { FilmPlayer } from "./FilmPlayer";

/** What a series holds beside pictures: reports and documents, as the server renders them, and videos; one at a time. */
export function Papers({ pane, stack }: { pane: number; stack: Stack }) {
  const { t } = useTranslation("viewer");
  const [chosen, choose] = useState(0);
  const count = stack.papers.length;
  const paper = stack.papers[chosen];
  const isFilm = paper?.kind === "film";
  useEffect(() => {
    // A video is gone through by its own frames.
    if (isFilm) return undefined;
    return keepTurned(pane, {
      scroll: (delta) => choose((now) => Math.min(Math.max(0, now + delta), count - 1)),
      goTo: (index) => choose(index < 0 ? count + index : Math.min(index, count - 1)),
    });
  }, [pane, count, isFilm]);
  if (!paper) return <p className={styles.hint}>{t("papers.none")}</p>;
  return (
    <div className={styles.papers}>
      {count > 1 && (
        <label className={styles.choice}>
          <span>{t("papers")}</span>
          <select value={chosen} onChange={(event) => choose(Number(event.target.value))}>
            {stack.papers.map((each, index) => (
              <option key={each.instance} value={index}>
                {[index + 1, each.title].filter(Boolean).join(" · ")}
              </option>
            ))}
          </select>
        </label>
      )}
      {paper.kind === "film" ? (
        <FilmPlayer key={paper.instance} pane={pane} film={paper} series={stack.ref} />
      ) : (
        <Page key={paper.instance} pane={pane} stack={stack} paper={paper} />
      )}
    </div>
  );
}

/** A page of the server's making, which may show and do nothing else. */
function Page({ pane, stack, paper }: { pane: number; stack: Stack; paper: Paper }) {
  const { t } = useTranslation("viewer");
  const frame = useRef<HTMLIFrameElement>(null);
  const address = `${instanceAddress(stack.ref, paper.instance)}/rendered`;
  useEffect(() => {
    // What is clicked inside of a frame is not told; but the focus is gone there.
    const left = () => {
      if (document.activeElement === frame.current) setState({ active: pane });
    };
    addEventListener("blur", left);
    return () => removeEventListener("blur", left);
  }, [pane]);
  return (
    <>
      <iframe ref={frame} title={paper.title || stack.description} src={address} />
      <Anchor href={address} target="_blank" rel="noreferrer" size="sm">
        {t("papers.open")}
      </Anchor>
    </>
  );
}
