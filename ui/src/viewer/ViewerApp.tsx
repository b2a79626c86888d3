import "./texts";

import { Center, Loader } from "@mantine/core";
import { IconPhotoOff } from "@tabler/icons-react";
import { useQueries, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { Gate } from "@/app/Gate";
import { Empty } from "@/components/Empty";
import { Failure } from "@/components/Failure";
import { showName } from "@/i18n/formats";

import { readAddress } from "./address";
import { endGlimpse } from "./glimpse";
import { getStack, studyQuery } from "./study/fetching";
import { firstOf } from "./study/opening";
import { showSeries } from "./state";

/** Drawing and tools are most of what is loaded: they come while the archive is asked. */
const workspace = import("./Workspace");

const opened = readAddress(new URL(location.href), new URL(document.baseURI));

export function ViewerApp() {
  return (
    <Gate>
      <Opening />
    </Gate>
  );
}

function Opening() {
  const { t, i18n } = useTranslation("viewer");
  const queries = useQueryClient();
  const answers = useQueries({ queries: opened.studies.map((uid) => studyQuery(uid)) });
  const studies = answers.map((each) => each.data).filter((each) => each !== undefined);
  const failed = answers.find((each) => each.error);
  const { part: Workspace, failure } = useWorkspace();
  const [first] = studies;

  useEffect(() => {
    if (!first) return;
    nameWindow(showName(first.patientName, i18n.language) || first.patientId);
    const begin = firstOf(first, opened.series);
    if (!begin) return;
    void getStack(queries, begin).catch(() => undefined); // its pane asks again, and says why
    showSeries(begin, 0);
  }, [first, queries, i18n.language]);

  if (failed) return <Failure error={failed.error} onRetry={() => void failed.refetch()} />;
  if (answers.some((each) => each.isPending)) return <Waiting />;
  if (studies.every((each) => each.series.length === 0))
    return (
      <Empty icon={IconPhotoOff} title={t("empty")}>
        {t("empty.why")}
      </Empty>
    );
  if (failure) return <Failure error={failure} onRetry={() => location.reload()} />;
  return Workspace ? <Workspace studies={studies} /> : <Waiting />;
}

/** The workspace's code once it is here. `lazy` would hold it back for a while after something else was shown. */
function useWorkspace() {
  const [part, setPart] = useState<{ Workspace: Awaited<typeof workspace>["default"] }>();
  const [failure, setFailure] = useState<unknown>(undefined);
  useEffect(() => {
    workspace.then(
      ({ default: Workspace }) => setPart({ Workspace }),
      (error: unknown) => {
        endGlimpse();
        setFailure(error);
      },
    );
  }, []);
  return { part: part?.Workspace, failure };
}

function nameWindow(patient: string): void {
  document.title = `${patient} · calotype`;
}

function Waiting() {
  const { t } = useTranslation();
  return (
    <Center h="100vh" role="status" aria-label={t("state.loading")}>
      <Loader size="sm" />
    </Center>
  );
}
