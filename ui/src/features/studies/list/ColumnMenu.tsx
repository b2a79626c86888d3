import { ActionIcon, Button, Checkbox, Popover, Stack, Tooltip } from "@mantine/core";
import { IconColumns3 } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { columns, FIRST_COLUMNS } from "./columns";
import type { Column, ColumnName } from "./columns";

/** Which columns there are. The patient is always one of them. */
export function ColumnMenu({
  chosen,
  onChoose,
}: {
  chosen: readonly Column[];
  onChoose: (names: ColumnName[]) => void;
}) {
  const { t } = useTranslation("studies");
  const names = chosen.map((column) => column.name);
  return (
    <Popover position="bottom-end" shadow="md" trapFocus withinPortal>
      <Popover.Target>
        <Tooltip label={t("columns.choose")}>
          <ActionIcon variant="default" size={36} aria-label={t("columns.choose")}>
            <IconColumns3 size={17} stroke={1.6} />
          </ActionIcon>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown aria-label={t("columns.choose")}>
        <Stack gap={7}>
          <Checkbox.Group value={names} onChange={(chosenNow) => onChoose(chosenNow)}>
            <Stack gap={7}>
              {columns.map(({ name }) => (
                <Checkbox
                  key={name}
                  size="xs"
                  value={name}
                  label={t(`col.${name}`)}
                  disabled={name === "PatientName"}
                />
              ))}
            </Stack>
          </Checkbox.Group>
          <Button size="compact-xs" variant="subtle" onClick={() => onChoose([...FIRST_COLUMNS])}>
            {t("columns.reset")}
          </Button>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
