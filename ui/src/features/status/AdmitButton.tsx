import "./texts";

import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconUserCheck } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { useMay } from "@/app/session";
import { tellFailure } from "@/components/tellFailure";

import { useAdmit } from "./api";
import type { Refusal } from "./api";

/** Lets a caller do what it was refused; for administrators. */
export function AdmitButton({ refusal }: { refusal: Refusal }) {
  const { t } = useTranslation("status");
  const admit = useAdmit();
  const name = refusal.calling_ae_title;
  if (!useMay("admin")) return null;
  return (
    <Button
      size="compact-sm"
      variant="light"
      leftSection={<IconUserCheck size={15} />}
      loading={admit.isPending}
      aria-label={t("admit.of", { name })}
      onClick={() =>
        // Not by what `mutate` calls back: the button is gone with its refusal by then.
        void admit
          .mutateAsync(refusal)
          .then(() => notifications.show({ message: t("admitted", { name }) }), tellFailure)
      }
    >
      {t("admit")}
    </Button>
  );
}
