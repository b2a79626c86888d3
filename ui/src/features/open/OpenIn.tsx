import "./texts";

import { ActionIcon, Menu } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconDeviceDesktop, IconDots, IconPhotoScan, IconWorld } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { ask } from "@/api/client";

import { ohifAddress, viewerAddress } from "./addresses";

interface Viewer {
  name: string;
  title: string;
}

/**
 * Everywhere that `studies` can be opened: our viewer, OHIF, programs on this computer. Stands in a `Menu.Dropdown`, so
 * that lists can put it into menus of their own.
 */
export function OpenItems({ studies }: { studies: readonly string[] }) {
  const { t } = useTranslation("open");
  const { data: programs = [] } = useQuery({
    queryKey: ["launch", "viewers"],
    queryFn: () => ask<Viewer[]>("api/launch"),
    staleTime: Infinity,
  });
  const launch = async (viewer: string) => {
    try {
      const { uri } = await ask<{ uri: string }>("api/launch", { method: "POST", json: { viewer, studies } });
      // A program answers: the page stays where it is.
      location.assign(uri);
    } catch (error) {
      const message = error instanceof Error ? error.message : "";
      notifications.show({ color: "red", title: t("failed"), message });
    }
  };
  return (
    <>
      <Menu.Item
        component="a"
        href={viewerAddress(studies)}
        target="_blank"
        leftSection={<IconPhotoScan size={15} />}
      >
        {t(studies.length > 1 ? "compare" : "own")}
      </Menu.Item>
      <Menu.Item
        component="a"
        href={ohifAddress(studies)}
        target="_blank"
        leftSection={<IconWorld size={15} />}
      >
        {t("ohif")}
      </Menu.Item>
      <Menu.Item
        component="a"
        href={ohifAddress(studies, "mprAnd3DVolumeViewport")}
        target="_blank"
        leftSection={<IconWorld size={15} />}
      >
        {t("ohif.mpr")}
      </Menu.Item>
      {programs.length > 0 && <Menu.Label>{t("programs")}</Menu.Label>}
      {programs.map(({ name, title }) => (
        <Menu.Item key={name} leftSection={<IconDeviceDesktop size={15} />} onClick={() => void launch(name)}>
          {title}
        </Menu.Item>
      ))}
    </>
  );
}

/** A button with the menu of everywhere that `studies` can be opened. */
export function OpenIn({ studies }: { studies: readonly string[] }) {
  const { t } = useTranslation("open");
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={t("in")} title={t("in")}>
          <IconDots size={17} stroke={1.6} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <OpenItems studies={studies} />
      </Menu.Dropdown>
    </Menu>
  );
}
