import { ActionIcon, Menu } from "@mantine/core";
import {
  IconBoxMultiple,
  IconCube,
  IconLayoutColumns,
  IconLayoutGrid,
  IconLayoutSidebarRight,
  IconSquare,
} from "@tabler/icons-react";
import type { ComponentType } from "react";
import { use } from "react";
import { useTranslation } from "react-i18next";

import { showLayout } from "../keys";
import { Studies } from "../studies";
import { layouts, useViewer } from "../state";
import type { Layout } from "../state";
import { SHIFT } from "./signs";

const ICONS: Record<Layout, ComponentType<{ size?: number; stroke?: number }>> = {
  one: IconSquare,
  two: IconLayoutColumns,
  four: IconLayoutGrid,
  mpr: IconLayoutSidebarRight,
  quad: IconBoxMultiple,
  volume: IconCube,
};

/** How many pictures side by side, or one series in planes and space. */
export function LayoutMenu() {
  const { t } = useTranslation("viewer");
  const studies = use(Studies);
  const current = useViewer((state) => state.layout);
  const Current = ICONS[current];
  return (
    <Menu position="bottom-start">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("layout")} title={t("layout")}>
          <Current size={19} stroke={1.6} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {layouts.map((layout, index) => {
          const Icon = ICONS[layout];
          return (
            <Menu.Item
              key={layout}
              leftSection={<Icon size={17} stroke={1.6} />}
              rightSection={<kbd aria-hidden>{`${SHIFT} ${index + 1}`}</kbd>}
              aria-keyshortcuts={`Shift+${index + 1}`}
              fw={layout === current ? 600 : 400}
              aria-current={layout === current}
              onClick={() => showLayout(layout, studies)}
            >
              {t(`layout.${layout}`)}
            </Menu.Item>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );
}
