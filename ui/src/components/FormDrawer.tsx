import { Button, Drawer, Group, Stack } from "@mantine/core";
import type { ReactNode, SyntheticEvent } from "react";
import { useTranslation } from "react-i18next";

import { Failure } from "./Failure";
import styles from "./FormDrawer.module.css";

interface DrawerProps {
  opened: boolean;
  title: string;
  size: number;
  onClose: () => void;
  children: ReactNode;
}

/** A form beside its page. What is in it is made anew each time that it opens. */
export function FormDrawer({ opened, title, size, onClose, children }: DrawerProps) {
  return (
    <Drawer opened={opened} onClose={onClose} title={title} position="right" size={size}>
      {children}
    </Drawer>
  );
}

interface FormProps {
  onSubmit: (event: SyntheticEvent<HTMLFormElement>) => void;
  isBusy: boolean;
  failed: unknown;
  /** What can be done besides, at the other end of what saves. */
  besides?: ReactNode;
  isReadOnly?: boolean;
  children: ReactNode;
}

/** The form itself: its fields, why it could not be saved, and the way to save it always in sight. */
export function DrawerForm({ onSubmit, isBusy, failed, besides, isReadOnly = false, children }: FormProps) {
  const { t } = useTranslation();
  return (
    <form onSubmit={onSubmit} className={styles.form}>
      <Stack gap="md" pb="md">
        {children}
      </Stack>
      {!isReadOnly && (
        <Stack gap="sm" className={styles.foot ?? ""}>
          {failed !== null && failed !== undefined && <Failure error={failed} />}
          <Group justify="space-between">
            <div>{besides}</div>
            <Button type="submit" loading={isBusy}>
              {t("action.save")}
            </Button>
          </Group>
        </Stack>
      )}
    </form>
  );
}
