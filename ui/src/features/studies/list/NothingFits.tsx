import { Button, Stack } from "@mantine/core";
import { IconSearchOff } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { Empty } from "@/components/Empty";

/** There are studies, none of which fits. */
export default function NothingFits({ onClear }: { onClear: () => void }) {
  const { t } = useTranslation("studies");
  return (
    <Empty icon={IconSearchOff} title={t("empty.filtered")}>
      <Stack align="center" gap="md">
        {t("empty.filtered.how")}
        <Button variant="default" size="xs" onClick={onClear}>
          {t("filter.clear")}
        </Button>
      </Stack>
    </Empty>
  );
}
