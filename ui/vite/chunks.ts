/**
 * Which modules lie in one file. By itself the build puts into each page exactly what it needs, in dozens of files;
 * here what the study list begins with is brought together, as a request costs more than some kilobytes. A module that
 * is named in vain, or forgotten, makes a page a little slower and nothing wrong.
 */

/** What asks for data before the rest is there: it waits for nothing else. */
const early = new RegExp(
  [
    String.raw`src/(?:api/(?:client|early|presence)|app/(?:first|preferences)|features/studies/(?:address|state|dates))\.ts$`,
    "vite/preload-helper",
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
  "Search", "Send", "Server2", "Stack2", "Trash", "Upload", "Users",
].join("|"); // prettier-ignore
const frame = new RegExp(
  [
    `@mantine/core/esm/(?:core|components/(?:${components}))/`,
    `@tabler/icons-react/dist/esm/(?:createReactComponent|defaultAttributes|icons/Icon(?:${icons}))\\.`,
    "src/(?:app/(?:afterwards|session|start|UserMenu)|components/(?:Empty|Failure|Mark|Room)|i18n/|theme/)",
  ].join("|"),
);

export const groups = [
  { name: "early", test: early, priority: 3 },
  { name: "react", test: react, priority: 2 },
  { name: "frame", test: frame, priority: 1 },
];
