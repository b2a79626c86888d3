import {
  AppShell,
  Burger,
  Group,
  Loader,
  NavLink,
  Text,
  UnstyledButton,
  VisuallyHidden,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Suspense } from "react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";

import { Mark } from "@/components/Mark";

import { groups, places } from "./navigation";
import { useMay } from "./session";
import type { Place } from "./navigation";
import styles from "./Shell.module.css";
import { UserMenu } from "./UserMenu";

/** The frame of every page: name mark and account above, the map at the side, a drawer of it on a phone. */
export function Shell({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const [isOpen, { toggle, close }] = useDisclosure(false);
  return (
    <AppShell
      header={{ height: 44 }}
      navbar={{ width: 196, breakpoint: "sm", collapsed: { mobile: !isOpen } }}
      padding="md"
      transitionDuration={120}
    >
      <a className={styles.skip} href="#page">
        {t("nav.skip")}
      </a>
      <AppShell.Header className={styles.bar}>
        <Group h="100%" px="sm" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={isOpen} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t("nav.menu")} />
            <UnstyledButton component={Link} href="/" className={styles.name} aria-label="calotype">
              <Mark size={22} />
              <Text fw={650} size="md" component="span">
                calotype
              </Text>
            </UnstyledButton>
          </Group>
          <UserMenu />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar className={styles.bar} p="xs" aria-label={t("nav.menu")}>
        <div className={styles.places}>
          {groups.map((group) => (
            <NavigationGroup key={group} group={group} onChoose={close} />
          ))}
        </div>
      </AppShell.Navbar>
      <AppShell.Main id="page" tabIndex={-1} className={styles.page}>
        <Suspense fallback={<Waiting />}>{children}</Suspense>
      </AppShell.Main>
    </AppShell>
  );
}

function NavigationGroup({ group, onChoose }: { group: Place["group"]; onChoose: () => void }) {
  const { t } = useTranslation();
  const shown = places.filter((place) => place.group === group && place.page);
  if (shown.length === 0) return null;
  return (
    <div className={styles.group}>
      <Text size="xs" c="dimmed" px="sm" component="h2" fw={500}>
        {t(`nav.group.${group}`)}
      </Text>
      {shown.map((place) => (
        <NavigationLink key={place.name} place={place} onChoose={onChoose} />
      ))}
    </div>
  );
}

function NavigationLink({ place, onChoose }: { place: Place; onChoose: () => void }) {
  const { t } = useTranslation();
  const [location] = useLocation();
  const isHere = location === `/${place.name}` || location.startsWith(`/${place.name}/`);
  if (!useMay(place.role)) return null;
  return (
    <NavLink
      component={Link}
      href={`/${place.name}`}
      label={t(`nav.${place.name}`)}
      leftSection={<place.icon size={17} stroke={1.6} />}
      active={isHere}
      aria-current={isHere ? "page" : undefined}
      onClick={onChoose}
      className={styles.link ?? ""}
    />
  );
}

function Waiting() {
  const { t } = useTranslation();
  return (
    <Group justify="center" p="xl">
      <Loader size="sm" />
      <VisuallyHidden>{t("state.loading")}</VisuallyHidden>
    </Group>
  );
}
