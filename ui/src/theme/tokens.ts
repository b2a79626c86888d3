/**
 * The look of calotype, in one file: colours, type scale, spacing.
 *
 * A calotype is a paper negative printed in warm brown, and made in a darkroom under a safelight. Light is salted
 * paper, dark is the darkroom, and one accent, the safelight's amber, says where to act. Everything else is quiet, as
 * the eyes are here for the images. Pairs of text and ground hold WCAG AA (tested in tokens.test.ts).
 */

export type Shades = readonly [
  string,
  string,
  string,
  string,
  string,
  string,
  string,
  string,
  string,
  string,
];

/** The safelight: the only accent. 6 is for fills on paper, 4 for text in the dark. */
export const amber: Shades = [
  "#fdf5e6",
  "#f8e6c4",
  "#f1d196",
  "#eaba64",
  "#e3a63f",
  "#d18f27",
  "#9a6413",
  "#7d5010",
  "#5f3d0e",
  "#42290a",
];

/** Salted paper, from a page to ink. */
export const paper: Shades = [
  "#fdfcf9",
  "#f8f6f1",
  "#efece4",
  "#e2ddd2",
  "#cbc5b8",
  "#a39c8e",
  "#746e62",
  "#57524a",
  "#3b3732",
  "#211f1c",
];

/** The darkroom: text first, the wall last, as Mantine counts its dark shades. */
export const dark: Shades = [
  "#e4e1dc",
  "#c4c0b9",
  "#a19d95",
  "#77736c",
  "#4b4843",
  "#36332f",
  "#272522",
  "#1b1a18",
  "#141312",
  "#0d0c0c",
];

/** What states are shown in: done, attention, failure, news. Never colour alone: an icon or a word stands with it. */
export const states = {
  good: { light: "#2c6e49", dark: "#6fc093" },
  warning: { light: "#8a5a00", dark: "#e3a63f" },
  bad: { light: "#a8322a", dark: "#f08b7f" },
  news: { light: "#2b5f86", dark: "#7fb6dd" },
} as const;

export type State = keyof typeof states;

/** Film is black whatever the scheme: pictures are read on it, and what is written on them is seen on white bone too. */
export const film = {
  ground: "#000000",
  paper: paper[0],
  rail: dark[8],
  bar: dark[7],
  line: dark[5],
  text: dark[0],
  quiet: dark[2],
  active: amber[4],
  finding: amber[3],
  chosen: "#7fe0a8",
  planes: { axial: "#e3a63f", sagittal: "#7fb6dd", coronal: "#7fe0a8" },
} as const;

/** Pixels. A row of a table is 13 on 18: 40 rows to a screen, still read from arm's length. */
export const type = {
  sizes: { xs: 11, sm: 13, md: 14, lg: 16, xl: 20 },
  lines: { xs: 16, sm: 18, md: 20, lg: 24, xl: 28 },
  family:
    'system-ui, -apple-system, "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif',
  mono: 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "Noto Sans Mono CJK SC", monospace',
} as const;

export const space = { xs: 4, sm: 8, md: 12, lg: 20, xl: 32 } as const;
export const radius = { sm: 4, md: 6, lg: 10 } as const;
