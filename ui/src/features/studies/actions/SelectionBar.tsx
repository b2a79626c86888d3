import { ActionIcon, Button, CloseButton, Group, Paper, Text, Tooltip } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import {
  IconColumns2,
  IconDownload,
  IconEye,
  IconSend,
  IconSpy,
  IconTag,
  IconTrash,
} from "@tabler/icons-react";
import type { ComponentType } from "react";
import { useTranslation } from "react-i18next";

import { useMay } from "@/app/session";
import type { Role } from "@/app/session";
import { showCount } from "@/i18n/formats";

import { askAnonymise } from "./AnonymiseDialog";
import { askDelete } from "./DeleteDialog";
import { downloadZips } from "./download";
import { askLabel } from "./LabelDialog";
import { askSend } from "./SendDialog";
import { openViewer } from "./viewers";
import type { Study } from "../api";
import styles from "./SelectionBar.module.css";

interface Action {
  name: "open" | "compare" | "send" | "zip" | "anonymise" | "label" | "delete";
  icon: ComponentType<{ size?: number; stroke?: number }>;
  role: Role;
  /** How many studies it takes. */
  takes: readonly [number, number];
  act: () => void;
}

/** How many studies a viewer shows beside each other. */
const COMPARED = 4;
/** Browsers ask about each download after some; more than these at one time is a mistake. */
const ZIPS = 20;

/** What can be done with the studies that are chosen. */
export default function SelectionBar({
  studies,
  onClear,
}: {
  studies: readonly Study[];
  onClear: () => void;
}) {
  const { t, i18n } = useTranslation("studies");
  const may = { viewer: useMay("viewer"), operator: useMay("operator"), admin: useMay("admin") };
  const isNarrow = useMediaQuery("(max-width: 900px)");
  const uids = studies.map((study) => study.StudyInstanceUID);
  const actions: readonly Action[] = [
    { name: "open", icon: IconEye, role: "viewer", takes: [1, 1], act: () => openViewer(uids) },
    {
      name: "compare",
      icon: IconColumns2,
      role: "viewer",
      takes: [2, COMPARED],
      act: () => openViewer(uids),
    },
    { name: "send", icon: IconSend, role: "operator", takes: [1, Infinity], act: () => askSend(studies) },
    { name: "zip", icon: IconDownload, role: "viewer", takes: [1, ZIPS], act: () => downloadZips(uids) },
    {
      name: "anonymise",
      icon: IconSpy,
      role: "operator",
      takes: [1, Infinity],
      act: () => askAnonymise(studies),
    },
    { name: "label", icon: IconTag, role: "operator", takes: [1, Infinity], act: () => askLabel(studies) },
    {
      name: "delete",
      icon: IconTrash,
      role: "operator",
      takes: [1, Infinity],
      act: () => askDelete(studies, onClear),
    },
  ];
  const shown = actions.filter(
    ({ role, takes: [least, most] }) => may[role] && uids.length >= least && uids.length <= most,
  );
  return (
    <Paper shadow="lg" withBorder className={styles.bar ?? ""} role="toolbar" aria-label={t("act.more")}>
      <Group gap={isNarrow ? 2 : "xs"} wrap="nowrap">
        <CloseButton size="sm" onClick={onClear} aria-label={t("select.none")} />
        <Text size="sm" fw={600} mr={isNarrow ? 4 : "sm"} className={styles.count ?? ""}>
          {t("count.selected", { shown: showCount(uids.length, i18n.language) })}
        </Text>
        {shown.map(({ name, icon: Icon, act }) => {
          const color = name === "delete" ? "red" : undefined;
          const look = { variant: name === "open" || name === "compare" ? "filled" : "subtle", onClick: act };
          return isNarrow ? (
            <Tooltip key={name} label={t(`act.${name}`)}>
              <ActionIcon {...look} {...(color ? { color } : {})} size="lg" aria-label={t(`act.${name}`)}>
                <Icon size={18} stroke={1.6} />
              </ActionIcon>
            </Tooltip>
          ) : (
            <Button
              key={name}
              {...look}
              {...(color ? { color } : {})}
              size="compact-sm"
              leftSection={<Icon size={15} stroke={1.7} />}
            >
              {t(`act.${name}`)}
            </Button>
          );
        })}
      </Group>
    </Paper>
  );
}
