/** The keyboard: commands, tools, windows, series. Words that are typed are no commands. */
import { useEffect } from "react";

import { getQuestion } from "./asked";
import { commands } from "./commands";
import type { Study } from "./study/asking";
import { setWindow } from "./engine/actions";
import { dropUnfinished } from "./engine/findings";
import { windowsOf } from "./engine/presets";
import { tools } from "./engine/tools";
import type { Findings } from "./findings";
import { getState, layouts, setState, showSeries, stackPanes } from "./state";

const FIELDS = new Set(["INPUT", "TEXTAREA", "SELECT"]);
/** What keeps keys that mean something to it, where it has the focus. */
const KEPT: readonly [holder: string, keys: ReadonlySet<string> | "all"][] = [
  ["[role=dialog]", "all"],
  ["button, a", new Set([" ", "Enter"])],
  [
    "[role=menu], [role=listbox], [role=slider], video",
    new Set(
      "Enter Escape Home End PageUp PageDown ArrowUp ArrowDown ArrowLeft ArrowRight".split(" ").concat(" "),
    ),
  ],
];

const isKept = (target: HTMLElement, key: string) =>
  KEPT.some(([holder, keys]) => (keys === "all" || keys.has(key)) && target.closest(holder) !== null);

export function useKeys(studies: readonly Study[], findings: Findings): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || FIELDS.has(target.tagName)) return;
      if (isKept(target, event.key)) return;
      const question = getQuestion();
      if (question) {
        // Its dialog is on its way: what is typed already is meant for that, and no command.
        if (event.key === "Escape") question.answer(undefined);
        return;
      }
      if (act(event, studies, findings)) event.preventDefault();
    };
    addEventListener("keydown", press);
    addEventListener("click", letGo);
    return () => {
      removeEventListener("keydown", press);
      removeEventListener("click", letGo);
    };
  }, [studies, findings]);
}

/** A button that was clicked by the pointer keeps no focus: the space bar plays, and does not press it again. */
function letGo({ detail, target }: MouseEvent): void {
  const button = (target as Element).closest<HTMLElement>("[role=toolbar] button, nav button");
  if (detail > 0 && button && !button.ariaHasPopup) button.blur();
}

function act({ key, code, shiftKey }: KeyboardEvent, studies: readonly Study[], findings: Findings): boolean {
  const pressed = key.length === 1 ? key.toLowerCase() : key;
  const shifted = shiftKey ? commands.find((each) => each.key === key.toUpperCase()) : undefined;
  const command = shifted ?? commands.find((each) => each.key === pressed);
  const tool = tools.find((each) => each.key === pressed);
  if (command) command.run();
  else if (tool) setState({ tool: tool.name });
  else if (pressed === "k") findings.toggleKey();
  else if (key === "ArrowRight" || key === "ArrowLeft") stepSeries(studies, key === "ArrowRight" ? 1 : -1);
  else if (key === "Tab" && !shiftKey) return false;
  else if (/^[1-9]$/.test(pressed)) return chooseWindow(Number(pressed), studies);
  else return shiftKey && chooseLayout(code, studies);
  return true;
}

function stepSeries(studies: readonly Study[], step: number): void {
  const all = studies.flatMap((each) => each.series);
  const { panes, active } = getState();
  const index = all.findIndex((each) => each.series === panes[active]?.series);
  const next = all[index + step];
  if (next) showSeries(next);
}

/** By the key's place: what Shift makes of a digit is another sign on every keyboard. */
function chooseLayout(code: string, studies: readonly Study[]): boolean {
  const layout = layouts[Number(/^Digit([1-9])$/.exec(code)?.[1]) - 1];
  if (layout) showLayout(layout, studies);
  return layout !== undefined;
}

function chooseWindow(digit: number, studies: readonly Study[]): boolean {
  const { panes, active } = getState();
  const here = panes[active]?.series;
  const series = studies.flatMap((each) => each.series).find((each) => each.series === here);
  const chosen = windowsOf(series?.modality ?? "")[digit - 1];
  if (chosen) setWindow(chosen);
  return chosen !== undefined;
}

/** Show a layout, with the next series of the study in panes that had none. */
export function showLayout(layout: (typeof layouts)[number], studies: readonly Study[]): void {
  const { panes, active } = getState();
  dropUnfinished();
  const count = stackPanes[layout];
  const shown = new Set(panes.map((each) => each?.series));
  const others = studies.flatMap((each) => each.series).filter((each) => !shown.has(each.series));
  const filled = panes.map((each, index) => each ?? (index < count ? (others.shift() ?? null) : null));
  if (layout === "volume") setState({ tool: "rotate3d" });
  setState({
    layout,
    panes: filled,
    active: count > 0 ? Math.min(active, count - 1) : active,
    isPlaying: false,
  });
}
