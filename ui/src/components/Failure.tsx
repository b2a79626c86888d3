import { Alert, Button, Group } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { Problem } from "@/api/client";

/** What went wrong, in the server's words, and a way to try again. */
export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation();
  const said = error instanceof Problem && error.status !== 0 ? error.message : t("state.lost");
  return (
    <Alert color="red" variant="light" icon={<IconAlertTriangle />} title={t("state.failed")} role="alert">
      <Group justify="space-between">
        {said}
        {onRetry && (
          <Button size="xs" variant="default" onClick={onRetry}>
            {t("action.retry")}
          </Button>
        )}
      </Group>
    </Alert>
  );
}
