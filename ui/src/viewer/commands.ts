/** Everything that a key does and a button may: name, key, what happens. The help is printed from this table. */
import * as actions from "./engine/actions";
import { dropUnfinished, removeChosen } from "./engine/findings";
import { nextRendering } from "./engine/panes";
import { saveScreenshot } from "./engine/screenshot";
import { getState, setState, SLAB_MM, slabModes, stackPanes } from "./state";

export interface Command {
  name: string;
  /** As the keyboard says it; a letter in capitals is one with Shift. */
  key: string;
  run: () => void;
}

const toggle = (name: "isLinked" | "hasReferenceLines" | "hasOverlay" | "isPlaying") => () =>
  setState({ [name]: !getState()[name] });

function nextPane(): void {
  const { layout, active } = getState();
  if (stackPanes[layout] > 1) setState({ active: (active + 1) % stackPanes[layout], isPlaying: false });
}

function nextSlab(): void {
  const { layout, slab } = getState();
  if (layout !== "mpr" && layout !== "quad") return;
  setState({ slab: slabModes[(slabModes.indexOf(slab) + 1) % slabModes.length] ?? "off" });
}

function thicken(mm: number): void {
  const { slab, slabMm } = getState();
  if (slab !== "off") setState({ slabMm: Math.min(SLAB_MM.most, Math.max(SLAB_MM.least, slabMm + mm)) });
}

/** What is half drawn is let go first. */
function escape(): void {
  if (!dropUnfinished()) actions.reset();
}

const showSide = (name: "findings" | "help") => () =>
  setState({ side: getState().side === name ? "none" : name });

export const commands = [
  { name: "next", key: "ArrowDown", run: () => actions.scroll(1) },
  { name: "previous", key: "ArrowUp", run: () => actions.scroll(-1) },
  { name: "next-10", key: "PageDown", run: () => actions.scroll(10) },
  { name: "previous-10", key: "PageUp", run: () => actions.scroll(-10) },
  { name: "first", key: "Home", run: () => void actions.goTo(0) },
  { name: "last", key: "End", run: () => void actions.goTo(-1) },
  { name: "play", key: " ", run: toggle("isPlaying") },
  { name: "invert", key: "i", run: actions.invert },
  { name: "rotate", key: "r", run: actions.rotate },
  { name: "flip-h", key: "h", run: () => actions.flip("flipHorizontal") },
  { name: "flip-v", key: "v", run: () => actions.flip("flipVertical") },
  { name: "fit", key: "f", run: actions.fit },
  { name: "reset", key: "Escape", run: escape },
  { name: "pane", key: "q", run: nextPane },
  { name: "link", key: "g", run: toggle("isLinked") },
  { name: "lines", key: "n", run: toggle("hasReferenceLines") },
  { name: "overlay", key: "d", run: toggle("hasOverlay") },
  { name: "remove", key: "Backspace", run: () => void removeChosen() },
  { name: "slab", key: "u", run: nextSlab },
  { name: "thinner", key: ",", run: () => thicken(-1) },
  { name: "thicker", key: ".", run: () => thicken(1) },
  { name: "rendering", key: "j", run: nextRendering },
  { name: "findings", key: "F", run: showSide("findings") },
  { name: "screenshot", key: "S", run: () => void saveScreenshot(document.title) },
  { name: "help", key: "?", run: showSide("help") },
] as const satisfies readonly Command[];

export type CommandName = (typeof commands)[number]["name"];

export function run(name: CommandName): void {
  commands.find((each) => each.name === name)?.run();
}
