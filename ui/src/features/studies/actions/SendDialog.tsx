import { Loader } from "@mantine/core";
import { modals } from "@mantine/modals";
import i18next from "i18next";
import { lazy, Suspense } from "react";

import type { Study } from "../api";

/** Fetched when somebody sends: the list opens without it. */
const Sending = lazy(() => import("@/features/send/Sending"));

/** Ask where to send studies, send them, and show how it goes. */
export function askSend(studies: readonly Study[]): void {
  modals.open({
    title: i18next.t("send.title", { ns: "studies", count: studies.length }),
    size: "lg",
    children: (
      <Suspense fallback={<Loader size="sm" />}>
        <Sending
          chosen={{ studies: studies.map((study) => study.StudyInstanceUID) }}
          onClose={() => modals.closeAll()}
        />
      </Suspense>
    ),
  });
}
