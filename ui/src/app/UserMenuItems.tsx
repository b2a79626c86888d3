import { ActionIcon, Menu, Text, useMantineColorScheme } from "@mantine/core";
import {
  IconDeviceDesktop,
  IconLanguage,
  IconListCheck,
  IconLogout,
  IconMoon,
  IconPassword,
  IconSun,
  IconUserCircle,
} from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";

import { languages } from "@/i18n";
import type { Language } from "@/i18n";

import { useMay, useSession } from "./session";

const SCHEMES = { light: IconSun, dark: IconMoon, auto: IconDeviceDesktop } as const;

/** Who is logged in, how the pages look, and the way out. */
export default function UserMenuItems() {
  const { t, i18n } = useTranslation();
  const { session, logout, choose } = useSession();
  const { colorScheme } = useMantineColorScheme();
  const [, go] = useLocation();
  const isAdmin = useMay("admin");
  return (
    <Menu position="bottom-end" width={210} withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("user.menu")}>
          <IconUserCircle size={21} stroke={1.6} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {session && (
          <>
            <Text px="sm" py={4} size="sm" fw={600} truncate>
              {session.user}
            </Text>
            <Menu.Item leftSection={<IconPassword size={15} />} onClick={() => go("/password")}>
              {t("user.password")}
            </Menu.Item>
            {isAdmin && (
              <Menu.Item leftSection={<IconListCheck size={15} />} onClick={() => go("/first-run")}>
                {t("user.first-run")}
              </Menu.Item>
            )}
            <Menu.Divider />
          </>
        )}
        <Menu.Label>{t("look.scheme")}</Menu.Label>
        {(Object.keys(SCHEMES) as (keyof typeof SCHEMES)[]).map((scheme) => {
          const Icon = SCHEMES[scheme];
          return (
            <Menu.Item
              key={scheme}
              leftSection={<Icon size={15} />}
              aria-current={colorScheme === scheme}
              fw={colorScheme === scheme ? 600 : 400}
              onClick={() => choose({ scheme })}
            >
              {t(`look.${scheme}`)}
            </Menu.Item>
          );
        })}
        <Menu.Label>{t("look.language")}</Menu.Label>
        {(Object.entries(languages) as [Language, string][]).map(([language, name]) => (
          <Menu.Item
            key={language}
            leftSection={<IconLanguage size={15} />}
            lang={language}
            aria-current={i18n.language === language}
            fw={i18n.language === language ? 600 : 400}
            onClick={() => choose({ language })}
          >
            {name}
          </Menu.Item>
        ))}
        {session && (
          <>
            <Menu.Divider />
            <Menu.Item leftSection={<IconLogout size={15} />} onClick={() => void logout()}>
              {t("user.leave")}
            </Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
