/** The tools as a table: name, Cornerstone's class, key. What a button or key chooses acts on the first button and one finger. */
import {
  AngleTool,
  annotation,
  ArrowAnnotateTool,
  CobbAngleTool,
  CrosshairsTool,
  EllipticalROITool,
  Enums,
  EraserTool,
  LengthTool,
  MagnifyTool,
  PanTool,
  ProbeTool,
  RectangleROITool,
  ReferenceLinesTool,
  StackScrollTool,
  ToolGroupManager,
  TrackballRotateTool,
  ZoomTool,
} from "@cornerstonejs/tools";
import type { Types } from "@cornerstonejs/tools";
import i18next from "i18next";

import { film } from "@/theme/tokens";

import { askForWords } from "../asked";
import { WindowTool } from "./windowing";
import { inUnit } from "./words";

export interface Tool {
  name: string;
  /** Cornerstone's name of it. */
  cornerstone: string;
  key: string;
  /** Whether it leaves a finding on the picture. */
  measures: boolean;
}

/** Cornerstone says `any` of some of its names. */
export const nameOf = ({ toolName }: { toolName: string }): string => toolName;

const tool = (name: string, { toolName }: { toolName: string }, key: string, measures = false): Tool => ({
  name,
  cornerstone: toolName,
  key,
  measures,
});

export const tools = [
  tool("window", WindowTool, "w"),
  tool("pan", PanTool, "p"),
  tool("zoom", ZoomTool, "z"),
  tool("scroll", StackScrollTool, "s"),
  tool("magnify", MagnifyTool, "m"),
  tool("crosshairs", CrosshairsTool, "x"),
  tool("rotate3d", TrackballRotateTool, "o"),
  tool("length", LengthTool, "l", true),
  tool("angle", AngleTool, "a", true),
  tool("cobb", CobbAngleTool, "c", true),
  tool("rectangle", RectangleROITool, "t", true),
  tool("ellipse", EllipticalROITool, "e", true),
  tool("probe", ProbeTool, "b", true),
  tool("arrow", ArrowAnnotateTool, "y", true),
  tool("eraser", EraserTool, "Delete"),
] as const satisfies readonly Tool[];

/** What stands on pictures as a finding, by Cornerstone's name. */
export const findingTools: ReadonlySet<string> = new Set(
  tools.filter((each) => each.measures).map((each) => each.cornerstone),
);

export const everyTool = [
  WindowTool,
  PanTool,
  ZoomTool,
  StackScrollTool,
  MagnifyTool,
  CrosshairsTool,
  TrackballRotateTool,
  LengthTool,
  AngleTool,
  CobbAngleTool,
  RectangleROITool,
  EllipticalROITool,
  ProbeTool,
  ArrowAnnotateTool,
  EraserTool,
  ReferenceLinesTool,
];

export type GroupName = "stack" | "planes" | "volume";

const { MouseBindings } = Enums;
const FIRST = [{ mouseButton: MouseBindings.Primary }, { numTouchPoints: 1 }];
/** What is always at hand, whatever tool is chosen. */
const ALWAYS: Record<GroupName, [string, object[]][]> = {
  stack: [
    [nameOf(PanTool), [{ mouseButton: MouseBindings.Auxiliary }]],
    [nameOf(ZoomTool), [{ mouseButton: MouseBindings.Secondary }, { numTouchPoints: 2 }]],
    [nameOf(StackScrollTool), [{ mouseButton: MouseBindings.Wheel }, { numTouchPoints: 3 }]],
  ],
  planes: [
    [nameOf(PanTool), [{ mouseButton: MouseBindings.Auxiliary }]],
    [nameOf(ZoomTool), [{ mouseButton: MouseBindings.Secondary }, { numTouchPoints: 2 }]],
    [nameOf(StackScrollTool), [{ mouseButton: MouseBindings.Wheel }, { numTouchPoints: 3 }]],
  ],
  volume: [
    [nameOf(PanTool), [{ mouseButton: MouseBindings.Auxiliary }]],
    [nameOf(ZoomTool), [{ mouseButton: MouseBindings.Secondary }, { numTouchPoints: 2 }]],
  ],
};
const LEFT_OUT: Record<GroupName, readonly string[]> = {
  stack: ["crosshairs", "rotate3d"],
  planes: ["rotate3d"],
  volume: tools
    .filter((each) => each.measures || ["scroll", "magnify", "crosshairs", "eraser"].includes(each.name))
    .map((each) => each.name),
};

/** The tools of a layout, in their order. */
export const toolsIn = (group: GroupName, hasSpace: boolean): Tool[] =>
  tools.filter(
    (each) => !LEFT_OUT[group].includes(each.name) || (hasSpace && !LEFT_OUT.volume.includes(each.name)),
  );

/** The tools that a kind of pane can use. */
export const toolsOf = (group: GroupName): Tool[] =>
  tools.filter((each) => !LEFT_OUT[group].includes(each.name));

/** Return the tool group of a kind of pane, made at its first use. */
export function groupOf(name: GroupName) {
  const known = ToolGroupManager.getToolGroup(name);
  if (known) return known;
  const group = ToolGroupManager.createToolGroup(name);
  if (!group) throw new Error(`no tool group ${name}`);
  for (const each of toolsOf(name)) group.addTool(each.cornerstone, configurationOf(each.name));
  if (name === "stack") group.addTool(nameOf(ReferenceLinesTool));
  return group;
}

function configurationOf(name: string): Record<string, unknown> {
  if (name === "zoom") return { pinchToZoom: true, pan: true };
  if (name === "probe") return { getTextLines: valueAt };
  if (name in LINES) return { getTextLines: linesOf(LINES[name] ?? []) };
  if (name === "arrow") return { getTextCallback: askNew, changeTextCallback: askAgain };
  if (name === "crosshairs")
    return { getReferenceLineColor: lineColour, autoPan: { enabled: false, panSize: 10 } };
  return {};
}

/** An arrow without words is taken back. */
function askNew(done: (text?: string) => void): void {
  void askForWords("").then(done);
}

function askAgain({ data }: Types.Annotation, _event: unknown, done: (text: string) => void): void {
  void askForWords(data.label ?? "").then((text) => {
    if (text !== undefined) done(text);
  });
}

interface Measured {
  cachedStats: Record<string, Record<string, unknown> | undefined>;
}

type Line = [name: "" | "area" | "mean" | "max" | "min" | "deviation", value: string, unit: string];
const REGION: readonly Line[] = [
  ["area", "area", "areaUnit"],
  ["mean", "mean", "modalityUnit"],
  ["max", "max", "modalityUnit"],
  ["min", "min", "modalityUnit"],
  ["deviation", "stdDev", "modalityUnit"],
];
/** What stands beside a finding: Cornerstone's numbers and their units, in the reader's words. */
const LINES: Record<string, readonly Line[]> = {
  length: [["", "length", "unit"]],
  angle: [["", "angle", ""]],
  cobb: [["", "angle", ""]],
  rectangle: REGION,
  ellipse: REGION,
};

const linesOf =
  (lines: readonly Line[]) =>
  ({ cachedStats }: Measured, target: string): string[] => {
    const stats = cachedStats[target] ?? {};
    return lines.flatMap(([name, value, unit]) => {
      const told = inUnit(stats[value], unit ? stats[unit] : "°");
      if (!told) return [];
      return [name ? i18next.t(`measured.${name}`, { ns: "viewer", value: told }) : told];
    });
  };

/** The value and its unit; where it is, is seen. */
function valueAt({ cachedStats }: Measured, target: string): string[] {
  const { value, modalityUnit } = cachedStats[target] ?? {};
  return [inUnit(value, modalityUnit)].filter(Boolean);
}

/** Each plane is a colour: its frame and its line in the other two. */
function lineColour(viewport: string): string {
  return (film.planes as Record<string, string>)[viewport.replace("plane-", "")] ?? film.line;
}

/** Let `name` act on the first button of a kind of pane; findings of other tools stay to be grasped. */
export function chooseTool(groupName: GroupName, name: string): void {
  const group = groupOf(groupName);
  const hasPlanes = group.getViewportIds().length > 1;
  const usable = toolsOf(groupName).filter((each) => each.name !== "crosshairs" || hasPlanes);
  // What cannot be done in space turns it, beside planes that are measured or crossed.
  const other = groupName === "volume" ? usable.find((each) => each.name === "rotate3d") : usable[0];
  const chosen = usable.find((each) => each.name === name) ?? other;
  for (const each of usable) {
    // Crosshairs that are not chosen still show where the planes lie.
    if (each.measures) group.setToolPassive(each.cornerstone);
    else if (each.name === "crosshairs") group.setToolEnabled(each.cornerstone);
    else group.setToolDisabled(each.cornerstone);
  }
  const always = new Map(ALWAYS[groupName]);
  if (chosen) always.set(chosen.cornerstone, [...(always.get(chosen.cornerstone) ?? []), ...FIRST]);
  for (const [cornerstone, bindings] of always) group.setToolActive(cornerstone, { bindings });
}

/** Findings in the film's own colours, in lines that are seen on black and white alike. */
export function styleAnnotations(): void {
  const style = annotation.config.style;
  style.setDefaultToolStyles({
    ...style.getDefaultToolStyles(),
    global: {
      ...style.getDefaultToolStyles().global,
      color: film.finding,
      colorHighlighted: film.chosen,
      colorSelected: film.chosen,
      lineWidth: "1.5",
      shadow: true,
      textBoxFontFamily: "system-ui, sans-serif",
      textBoxFontSize: "13px",
      textBoxColor: film.finding,
      textBoxColorHighlighted: film.chosen,
      textBoxColorSelected: film.chosen,
      textBoxLinkLineColor: film.finding,
    },
  });
}
