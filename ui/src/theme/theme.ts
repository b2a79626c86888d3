import { createTheme, defaultVariantColorsResolver, rem } from "@mantine/core";
import type { CSSVariablesResolver, MantineColorsTuple, MantineThemeComponent } from "@mantine/core";

import { amber, dark, paper, radius, space, states, type } from "./tokens";

const pixels = (sizes: Record<string, number>) =>
  Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, rem(size)]));

const tuple = (shades: readonly string[]) => shades as unknown as MantineColorsTuple;

/** What stands over a dialog says what its page's second heading would. */
const TITLE = { fontSize: rem(16), fontWeight: 600 };

/** Mantine's components in our tokens; small and dense unless a page says otherwise. */
export const theme = createTheme({
  primaryColor: "amber",
  primaryShade: { light: 6, dark: 4 },
  autoContrast: true,
  variantColorResolver: (asked) => {
    const colours = defaultVariantColorsResolver(asked);
    // In the dark every fill is light (see primaryShade), and what stands on it dark.
    return asked.variant === "filled"
      ? { ...colours, color: `light-dark(${colours.color}, var(--mantine-color-black))` }
      : colours;
  },
  colors: { amber: tuple(amber), dark: tuple(dark), gray: tuple(paper) },
  white: paper[0],
  black: paper[9],
  fontFamily: type.family,
  fontFamilyMonospace: type.mono,
  fontSizes: pixels(type.sizes),
  lineHeights: Object.fromEntries(
    Object.entries(type.lines).map(([name, line]) => [name, String(line / type.sizes[name as "sm"])]),
  ),
  spacing: pixels(space),
  radius: pixels(radius),
  defaultRadius: "sm",
  cursorType: "pointer",
  focusRing: "auto",
  respectReducedMotion: true,
  headings: {
    fontWeight: "600",
    sizes: { h1: { fontSize: rem(20) }, h2: { fontSize: rem(16) }, h3: { fontSize: rem(14) } },
  },
  components: Object.fromEntries<MantineThemeComponent>([
    ...["Drawer", "Modal"].map((name) => [name, { styles: { title: TITLE } }] as const),
    ...[
      "Button",
      "TextInput",
      "PasswordInput",
      "NumberInput",
      "Select",
      "MultiSelect",
      "Textarea",
      "SegmentedControl",
    ].map((name) => [name, { defaultProps: { size: "sm" } }] as const),
  ]),
});

/** Variables for what has no Mantine name: states, and the grounds of the page. */
export const variables: CSSVariablesResolver = () => {
  const of = (scheme: "light" | "dark") =>
    Object.fromEntries(Object.entries(states).map(([name, shade]) => [`--state-${name}`, shade[scheme]]));
  return {
    variables: {},
    light: {
      ...of("light"),
      "--mantine-color-error": states.bad.light,
      "--mantine-color-body": paper[1],
      "--ground": paper[0],
      "--line": paper[3],
      "--mantine-color-dimmed": paper[6],
    },
    dark: {
      ...of("dark"),
      "--mantine-color-error": states.bad.dark,
      "--mantine-color-body": dark[7],
      "--ground": dark[8],
      "--line": dark[5],
      "--mantine-color-dimmed": dark[2],
    },
  };
};
