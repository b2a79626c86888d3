import "./texts";

import { ActionIcon, Button, Menu } from "@mantine/core";
import { IconFiles, IconFolder, IconUpload } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import type { DragEvent, ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { useMay } from "@/app/session";

import { entriesOf, filesOf } from "./files";
import { uploads } from "./queue";
import { UploadPanel } from "./UploadPanel";
import styles from "./UploadArea.module.css";

/** Asks before the page is left while files are on their way. */
const warn = (event: BeforeUnloadEvent) => event.preventDefault();
uploads.subscribe(() => {
  if (uploads.snapshot().isRunning) window.addEventListener("beforeunload", warn);
  else window.removeEventListener("beforeunload", warn);
});

/** Whatever is dropped onto its children is stored. */
export function UploadArea({ children }: { children: ReactNode }) {
  const { t } = useTranslation("upload");
  const mayStore = useMay("operator");
  const [isOver, setOver] = useState(false);
  // Each child that the pointer crosses says that it enters and leaves: only the sum tells.
  const depth = useRef(0);
  if (!mayStore) return children;

  const holdsFiles = (event: DragEvent) => event.dataTransfer.types.includes("Files");
  const moved = (by: number) => (event: DragEvent) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    depth.current = Math.max(0, depth.current + by);
    setOver(depth.current > 0);
  };
  const drop = (event: DragEvent) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    depth.current = 0;
    setOver(false);
    void entriesOf(event.dataTransfer).then((found) => uploads.add(found));
  };
  return (
    <div
      onDragEnter={moved(1)}
      onDragLeave={moved(-1)}
      onDragOver={(event) => {
        if (holdsFiles(event)) event.preventDefault();
      }}
      onDrop={drop}
    >
      {children}
      {isOver && (
        <div className={styles.over}>
          <IconUpload size={40} stroke={1.3} />
          {t("drop")}
        </div>
      )}
      <UploadPanel />
    </div>
  );
}

/** Chooses files or a folder by the dialog of the system. */
export function UploadButton({ isSmall }: { isSmall: boolean }) {
  const { t } = useTranslation("upload");
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  // React knows no property for it.
  useEffect(() => folder.current?.setAttribute("webkitdirectory", ""), []);
  const input = (which: typeof files, name: string) => (
    <input
      ref={which}
      type="file"
      multiple
      hidden
      data-upload={name}
      onChange={(event) => {
        uploads.add(filesOf(event.currentTarget.files ?? new DataTransfer().files));
        event.currentTarget.value = "";
      }}
    />
  );
  return (
    <>
      {input(files, "files")}
      {input(folder, "folder")}
      <Menu position="bottom-end">
        <Menu.Target>
          {isSmall ? (
            <ActionIcon size={36} aria-label={t("title")}>
              <IconUpload size={17} stroke={1.8} />
            </ActionIcon>
          ) : (
            <Button leftSection={<IconUpload size={15} stroke={1.8} />}>{t("title")}</Button>
          )}
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconFiles size={15} />} onClick={() => files.current?.click()}>
            {t("choose.files")}
          </Menu.Item>
          <Menu.Item leftSection={<IconFolder size={15} />} onClick={() => folder.current?.click()}>
            {t("choose.folder")}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </>
  );
}
