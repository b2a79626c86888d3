import "./texts";

import { ActionIcon, Button, Menu } from "@mantine/core";
import { IconFiles, IconFolder, IconUpload } from "@tabler/icons-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

import { filesOf } from "./files";
import { uploads } from "./queue";

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
