import { lazy, Suspense, useEffect, useMemo } from "react";
import type { CSSProperties } from "react";

import { film } from "@/theme/tokens";

import { useQuestion } from "./asked";
import type { Study } from "./study/asking";
import { useFindings } from "./findings";
import { useKeys } from "./keys";
import { FindingsPanel } from "./parts/FindingsPanel";
import { HelpPanel } from "./parts/HelpPanel";
import { PatientBar } from "./parts/PatientBar";
import { Rail } from "./parts/Rail";
import { Stage } from "./parts/Stage";
import { Toolbar } from "./parts/Toolbar";
import { dropUnfinished } from "./engine/findings";
import { engine } from "./engine/start";
import { chooseTool } from "./engine/tools";
import { useViewer } from "./state";
import { Studies } from "./studies";
import styles from "./viewer.module.css";

const { planes, ...surfaces } = film;
/** The film's tokens as the variables that the style sheet reads. */
const filmColours = Object.fromEntries(
  Object.entries({ ...surfaces, ...planes }).map(([name, colour]) => [`--film-${name}`, colour]),
) as CSSProperties;

// Decoders and what draws begin while the archive is asked, and not when it has answered.
engine();

const GROUPS = ["stack", "planes", "volume"] as const;

/** Rarely asked, and none of what the first picture waits for. */
const WordsDialog = lazy(() => import("./parts/WordsDialog"));

/** The whole window: who it is, tools, series, pictures, findings. */
export default function Workspace({ studies }: { studies: readonly Study[] }) {
  const side = useViewer((state) => state.side);
  const tool = useViewer((state) => state.tool);
  const isAsked = useQuestion() !== undefined;
  const uids = useMemo(() => studies.map((each) => each.uid), [studies]);
  const findings = useFindings(uids);
  useKeys(studies, findings);
  useEffect(() => {
    dropUnfinished();
    for (const group of GROUPS) chooseTool(group, tool);
  }, [tool]);
  return (
    <Studies value={studies}>
      <div className={styles.window} style={filmColours}>
        <PatientBar study={studies[0]} />
        <Toolbar findings={findings} />
        <Rail studies={studies} />
        <Stage studies={studies} />
        {side === "findings" && <FindingsPanel studies={studies} findings={findings} />}
        {side === "help" && <HelpPanel />}
        {isAsked && (
          <Suspense>
            <WordsDialog />
          </Suspense>
        )}
      </div>
    </Studies>
  );
}
