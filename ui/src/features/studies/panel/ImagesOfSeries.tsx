import { Button, Group, Loader, Stack, Text, UnstyledButton } from "@mantine/core";
import { IconArrowLeft } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { Failure } from "@/components/Failure";

import { TagTree } from "./TagTree";
import { Thumbnail } from "./Thumbnail";
import { useInstances } from "../dicom";
import type { Instance, Series } from "../dicom";
import styles from "./panel.module.css";

/** How many pictures are shown of one series; the viewer shows all. */
const MOST = 200;

interface Props {
  study: string;
  series: Series;
  onBack: () => void;
}

/** The images of a series, and the header of the one that is chosen. */
export function ImagesOfSeries({ study, series, onBack }: Props) {
  const { t } = useTranslation("studies");
  const [chosen, setChosen] = useState<Instance | null>(null);
  const { data, error, isPending, refetch } = useInstances(study, series.uid);
  const back = () => (chosen ? setChosen(null) : onBack());
  const button = useRef<HTMLButtonElement>(null);
  // What was pressed is gone: the keyboard goes on beside what has come.
  useEffect(() => button.current?.focus({ preventScroll: true }), [chosen]);
  return (
    <Stack
      gap="sm"
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        back();
      }}
    >
      <Group gap="xs" wrap="nowrap">
        <Button
          ref={button}
          size="compact-xs"
          variant="default"
          leftSection={<IconArrowLeft size={13} />}
          onClick={back}
        >
          {t("panel.back")}
        </Button>
        <Text size="sm" fw={550} truncate className={styles.value ?? ""}>
          {series.description || t("panel.unnamed", { number: series.number || "—" })}
          {chosen && ` · ${t("panel.image", { number: chosen.number || "—" })}`}
        </Text>
      </Group>
      {isPending && <Loader size="sm" mx="auto" />}
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {chosen ? (
        <TagTree study={study} series={series.uid} instance={chosen.uid} />
      ) : (
        <>
          <div className={styles.grid}>
            {data?.slice(0, MOST).map((instance) => (
              <UnstyledButton
                key={instance.uid}
                className={styles.image ?? ""}
                onClick={() => setChosen(instance)}
              >
                <Thumbnail
                  path={`studies/${study}/series/${series.uid}/instances/${instance.uid}`}
                  modality={series.modality}
                  size={78}
                />
                {t("panel.image", { number: instance.number || "—" })}
                {instance.frames > 1 && <div>{t("panel.frames", { count: instance.frames })}</div>}
              </UnstyledButton>
            ))}
          </div>
          {data && data.length > MOST && (
            <Text size="xs" c="dimmed">
              {t("panel.more", { count: MOST })}
            </Text>
          )}
        </>
      )}
    </Stack>
  );
}
