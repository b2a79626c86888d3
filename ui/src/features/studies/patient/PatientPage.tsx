import {
  ActionIcon,
  Badge,
  Box,
  Button,
  Group,
  Loader,
  Paper,
  Stack,
  Text,
  Timeline,
  Title,
  Tooltip,
} from "@mantine/core";
import { IconArrowLeft, IconColumns2, IconEye, IconUserOff } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import { Empty } from "@/components/Empty";
import { Failure } from "@/components/Failure";
import { showDate, showName, showTime } from "@/i18n/formats";
import { viewerAddress } from "@/viewer/address";

import { usePatientStudies } from "../api";
import type { Study } from "../api";
import { Modalities } from "../list/Modalities";
import { PlotOfYears } from "./PlotOfYears";
import styles from "../panel/panel.module.css";

/** Everything the archive has of one patient, newest first, each beside what was there before. */
export default function PatientPage({ patientId }: { patientId: string }) {
  const { t, i18n } = useTranslation("studies");
  const { data, error, isPending, refetch } = usePatientStudies(patientId);
  const back = (
    <Button
      component={Link}
      href="/studies"
      size="compact-sm"
      variant="default"
      leftSection={<IconArrowLeft size={14} />}
    >
      {t("patient.back")}
    </Button>
  );
  if (isPending) return <Loader size="sm" m="xl" mx="auto" display="block" />;
  if (error) return <Failure error={error} onRetry={() => void refetch()} />;
  const [latest] = data;
  if (!latest)
    return (
      <Empty icon={IconUserOff} title={t("patient.none")}>
        {back}
      </Empty>
    );
  const sex =
    latest.PatientSex && "MFO".includes(latest.PatientSex) ? t(`sex.${latest.PatientSex as "M"}`) : "";
  return (
    <Stack gap="lg" maw={860}>
      <Group>{back}</Group>
      <div>
        <Title order={1} className={styles.value ?? ""}>
          {showName(latest.PatientName, i18n.language) || patientId}
        </Title>
        <Text c="dimmed" size="sm" className={styles.value ?? ""}>
          {[
            patientId,
            sex,
            showDate(latest.PatientBirthDate, i18n.language),
            t("patient.studies", { count: data.length }),
          ]
            .filter(Boolean)
            .join(" · ")}
        </Text>
      </div>
      <PlotOfYears studies={data} />
      <Timeline bulletSize={12} lineWidth={1} active={data.length}>
        {data.map((study, at) => (
          <Timeline.Item key={study.StudyInstanceUID}>
            <Entry study={study} prior={data[at + 1]} />
          </Timeline.Item>
        ))}
      </Timeline>
    </Stack>
  );
}

function Entry({ study, prior }: { study: Study; prior: Study | undefined }) {
  const { t, i18n } = useTranslation("studies");
  const date = showDate(study.StudyDate, i18n.language) || t("patient.undated");
  return (
    <Paper withBorder p="sm" bg="var(--ground)">
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Box miw={0}>
          <Text size="xs" c="dimmed">
            {date} {showTime(study.StudyTime)}
          </Text>
          <Text size="sm" fw={550} className={styles.value ?? ""}>
            {[study.StudyDescription, study.AccessionNumber, study.StudyInstanceUID].find(Boolean)}
          </Text>
          <Group gap={8} mt={4}>
            <Modalities codes={study.ModalitiesInStudy} />
            <Text size="xs" c="dimmed" className={styles.value ?? ""}>
              {[
                t("panel.series", { count: study.NumberOfStudyRelatedSeries ?? 0 }),
                t("panel.images", { count: study.NumberOfStudyRelatedInstances ?? 0 }),
                study.AccessionNumber,
              ]
                .filter(Boolean)
                .join(" · ")}
            </Text>
            {study.labels?.map((label) => (
              <Badge key={label} size="sm" variant="light" tt="none" fw={500}>
                {label}
              </Badge>
            ))}
          </Group>
          {study.remark && (
            <Text size="xs" mt={4} className={styles.value ?? ""}>
              {study.remark}
            </Text>
          )}
        </Box>
        <Group gap={4} wrap="nowrap">
          {prior && (
            <Tooltip label={t("patient.compare")}>
              <ActionIcon
                component="a"
                href={viewerAddress([study.StudyInstanceUID, prior.StudyInstanceUID])}
                variant="default"
                size={28}
                aria-label={t("patient.compare")}
              >
                <IconColumns2 size={16} />
              </ActionIcon>
            </Tooltip>
          )}
          <Button
            component="a"
            href={viewerAddress([study.StudyInstanceUID])}
            size="compact-sm"
            leftSection={<IconEye size={14} />}
          >
            {t("act.open")}
          </Button>
        </Group>
      </Group>
    </Paper>
  );
}
