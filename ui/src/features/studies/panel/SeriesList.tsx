import { Badge, Group, Loader, Stack, Text, UnstyledButton } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { Failure } from "@/components/Failure";

import { Thumbnail } from "./Thumbnail";
import type { Study } from "../api";
import { useSeries } from "../dicom";
import type { Series } from "../dicom";
import styles from "./panel.module.css";

/** The series of a study, each with a picture. */
export function SeriesList({ study, onChoose }: { study: Study; onChoose: (series: Series) => void }) {
  const { t } = useTranslation("studies");
  const uid = study.StudyInstanceUID;
  const { data, error, isPending, refetch } = useSeries(uid);
  if (isPending) return <Loader size="sm" m="xl" mx="auto" display="block" />;
  if (error) return <Failure error={error} onRetry={() => void refetch()} />;
  if (data.length === 0) return <Text c="dimmed">{t("panel.no-series")}</Text>;
  return (
    <Stack gap={2}>
      <Text size="xs" c="dimmed" px={6} pb={4}>
        {t("panel.series", { count: data.length })} ·{" "}
        {t("panel.images", { count: study.NumberOfStudyRelatedInstances ?? 0 })}
      </Text>
      {data.map((series) => (
        <UnstyledButton key={series.uid} className={styles.entry ?? ""} onClick={() => onChoose(series)}>
          <Thumbnail path={`studies/${uid}/series/${series.uid}`} modality={series.modality} size={64} />
          <Stack gap={2} miw={0} flex={1}>
            <Text size="sm" fw={550} lineClamp={2} className={styles.value ?? ""}>
              {series.description || t("panel.unnamed", { number: series.number || "—" })}
            </Text>
            <Group gap={6}>
              <Badge size="sm" variant="default" radius="sm" px={5}>
                {series.modality || "?"}
              </Badge>
              <Text size="xs" c="dimmed">
                {[
                  series.number && `#${series.number}`,
                  series.bodyPart,
                  t("panel.images", { count: series.instances }),
                ]
                  .filter(Boolean)
                  .join(" · ")}
              </Text>
            </Group>
          </Stack>
        </UnstyledButton>
      ))}
    </Stack>
  );
}
