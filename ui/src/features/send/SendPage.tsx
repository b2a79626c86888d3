import "./texts";
import "@mantine/dropzone/styles.css";

import { Alert, Button, Grid, Paper, SegmentedControl, Stack, Text } from "@mantine/core";
import { IconSend } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "wouter";

import { Failure } from "@/components/Failure";
import { PageHead } from "@/components/PageHead";

import { take, useSend } from "./api";
import { Destination, NO_WISHES } from "./Destination";
import { FileChooser } from "./FileChooser";
import { SentJobs } from "./SentJobs";
import { StudyChooser } from "./StudyChooser";
import type { Taken } from "./api";

/** What on the left, where to on the right, and below how it goes. `?study=` chooses studies to begin with. */
export default function SendPage() {
  const { t } = useTranslation("send");
  const [params] = useSearchParams();
  const [source, setSource] = useState("archive");
  const [studies, setStudies] = useState<ReadonlySet<string>>(() => new Set(params.getAll("study")));
  const [files, setFiles] = useState<readonly File[]>([]);
  const [wishes, setWishes] = useState(NO_WISHES);
  const [done, setDone] = useState<number | null>(null);
  const [refused, setRefused] = useState<Taken["refused"]>([]);
  const [failed, setFailed] = useState<unknown>(null);
  const [ids, setIds] = useState<readonly number[]>([]);
  const sending = useSend();
  const isReady = wishes.nodes.length > 0 && (source === "archive" ? studies.size : files.length) > 0;

  const run = async () => {
    let chosen: { studies: string[]; instances?: string[] } = { studies: [...studies] };
    if (source === "files") {
      setDone(0);
      const taken = await take(files, setDone);
      setRefused(taken.refused);
      if (taken.instances.length === 0) return;
      chosen = { studies: taken.studies, instances: taken.instances };
      setFiles([]);
    }
    const jobs = await sending.mutateAsync({ ...wishes, chosen });
    setIds((before) => [...jobs.map((job) => job.id), ...before]);
  };
  const start = () => {
    setFailed(null);
    setRefused([]);
    run()
      .catch(setFailed)
      .finally(() => setDone(null));
  };

  return (
    <>
      <PageHead title={t("title")} />
      <Grid gap="md">
        <Grid.Col span={{ base: 12, md: 8 }}>
          <Stack gap="sm">
            <SegmentedControl
              w="fit-content"
              aria-label={t("what")}
              value={source}
              onChange={setSource}
              data={["archive", "files"].map((value) => ({ value, label: t(`what.${value}`) }))}
            />
            {source === "archive" ? (
              <StudyChooser chosen={studies} onChoose={setStudies} />
            ) : (
              <FileChooser files={files} onChange={setFiles} />
            )}
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }}>
          <Paper bg="var(--ground)" withBorder p="md" pos="sticky" top={56}>
            <Stack gap="md">
              <Destination wishes={wishes} onChange={setWishes} />
              <Button
                leftSection={<IconSend size={16} />}
                disabled={!isReady}
                loading={done !== null || sending.isPending}
                onClick={start}
              >
                {t("send")}
              </Button>
              {done !== null && (
                <Text size="sm" role="status">
                  {t("taking", { done, total: files.length })}
                </Text>
              )}
              {failed !== null && <Failure error={failed} />}
              {refused.length > 0 && (
                <Alert color="amber" variant="light" role="alert">
                  {t("taken-not", {
                    count: refused.length,
                    names: refused.slice(0, 5).join(", "),
                  })}
                </Alert>
              )}
              <SentJobs ids={ids} />
            </Stack>
          </Paper>
        </Grid.Col>
      </Grid>
    </>
  );
}
