import { Button, Group, Stack, Text } from "@mantine/core";
import { Dropzone } from "@mantine/dropzone";
import { IconFiles } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { showBytes } from "@/i18n/formats";

interface Props {
  files: readonly File[];
  onChange: (files: readonly File[]) => void;
}

/** Files and folders of the reader's machine, dropped or chosen. */
export function FileChooser({ files, onChange }: Props) {
  const { t, i18n } = useTranslation("send");
  const size = files.reduce((sum, file) => sum + file.size, 0);
  return (
    <Stack gap="sm">
      <Dropzone
        onDrop={(dropped) => onChange([...files, ...dropped])}
        inputProps={{ "aria-label": t("drop") }}
        py="xl"
      >
        <Stack align="center" gap={6} ta="center" style={{ pointerEvents: "none" }}>
          <IconFiles size={32} stroke={1.3} />
          <Text size="sm" fw={550}>
            {t("drop")}
          </Text>
          <Text size="xs" c="dimmed">
            {t("drop.then")}
          </Text>
        </Stack>
      </Dropzone>
      {files.length > 0 && (
        <Group gap="xs">
          <Text size="sm" fw={550} role="status">
            {t("files", { count: files.length, size: showBytes(size, i18n.language) })}
          </Text>
          <Button size="compact-xs" variant="subtle" onClick={() => onChange([])}>
            {t("files.clear")}
          </Button>
        </Group>
      )}
    </Stack>
  );
}
