/**
 * Which modules lie in one file. By itself the build puts into each page exactly what it needs, in dozens of files;
 * here what the study list begins with is brought together, as a request costs more than some kilobytes. A module that
 * is named in vain, or forgotten, makes a page a little slower and nothing wrong.
 */

/** What asks for data before the rest is there: it waits for nothing else. */
const early = new RegExp(
  [
    String.raw`src/(?:api/(?:client|early|presence)|app/(?:first|preferences)|features/studies/(?:address|state|dates))\.ts$`,
    String.raw`src/(?:theme/tokens|viewer/address)\.ts$`,
    "vite/preload-helper|rolldown/runtime",
  ].join("|"),
);

/** Changes with its versions alone, and is kept by browsers until then. */
const react =
  /node_modules\/(?:react|react-dom|scheduler|i18next|react-i18next|use-sync-external-store|wouter|regexparam|@tanstack\/(?:query-core|react-query))\//;

const components = [
  "ActionIcon", "Alert", "AppShell", "Badge", "Box", "Burger", "Button", "Center", "CloseButton", "Collapse", "Group",
  "Input", "InputBase", "InputClearButton", "InputsGroupFieldset", "Kbd", "Loader", "NavLink", "Stack", "Text",
  "TextInput", "Title", "Transition", "UnstyledButton", "VisuallyHidden",
].join("|"); // prettier-ignore
const icons = [
  "Activity", "AlertTriangle", "ArrowDown", "ArrowUp", "ArrowsExchange", "CalendarEvent", "ListCheck", "MapOff",
  "PhotoOff", "Search", "Send", "Server2", "Stack2", "Trash", "Upload", "Users",
].join("|"); // prettier-ignore
const frame = new RegExp(
  [
    `@mantine/core/esm/(?:core|components/(?:${components}))/`,
    `@tabler/icons-react/dist/esm/(?:createReactComponent|defaultAttributes|icons/Icon(?:${icons}))\\.`,
    "@mantine/hooks/esm/use-resize-observer/",
    "src/(?:api/events|app/(?:afterwards|session|start|Gate|UserMenu)|components/(?:Empty|Failure|Mark|Room)|i18n/|theme/)",
  ].join("|"),
);

/** What the viewer begins with, and pages of forms have, too. */
const controls = new RegExp(
  [
    "@mantine/core/esm/components/(?:Anchor|FloatingIndicator|NumberInput|SegmentedControl|Tooltip)/",
    "@mantine/core/esm/components/ScrollArea/utils/to-int",
    "@mantine/hooks/esm/(?:use-(?:callback-ref|mounted|mutation-observer|shallow-effect|timeout)|utils/(?:clamp|shallow-equal|use-callback-ref))/",
    "node_modules/(?:react-number-format|fast-deep-equal)/",
    String.raw`@tabler/icons-react/dist/esm/icons/Icon(?:CircleDashed|Dots|Link)\.`,
  ].join("|"),
);

export const groups = [
  { name: "early", test: early, priority: 3 },
  { name: "react", test: react, priority: 2 },
  { name: "frame", test: frame, priority: 1 },
  { name: "controls", test: controls, priority: 1 },
];
