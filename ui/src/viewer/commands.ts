/** Everything that a key does and a button may: name, key, what happens. The help is printed from this table. */
import * as actions from "./engine/actions";
import { removeChosen } from "./engine/findings";
import { getState, setState, stackPanes } from "./state";

export interface Command {
  name: string;
  key: string;
  run: () => void;
}

const toggle = (name: "isLinked" | "hasReferenceLines" | "hasOverlay" | "isPlaying") => () =>
  setState({ [name]: !getState()[name] });

function nextPane(): void {
  const { layout, active } = getState();
  if (stackPanes[layout] > 1) setState({ active: (active + 1) % stackPanes[layout], isPlaying: false });
}

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
  { name: "reset", key: "Escape", run: actions.reset },
  { name: "pane", key: "q", run: nextPane },
  { name: "link", key: "g", run: toggle("isLinked") },
  { name: "lines", key: "n", run: toggle("hasReferenceLines") },
  { name: "overlay", key: "d", run: toggle("hasOverlay") },
  { name: "remove", key: "Backspace", run: () => void removeChosen() },
] as const satisfies readonly Command[];

export type CommandName = (typeof commands)[number]["name"];

export function run(name: CommandName): void {
  commands.find((each) => each.name === name)?.run();
}
