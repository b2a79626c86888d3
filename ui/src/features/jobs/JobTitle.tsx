import "./texts";

import { Anchor, Group, Text } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconShieldLock, IconStack2 } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { showName } from "@/i18n/formats";
import { viewerAddress } from "@/viewer/address";

import type { Job } from "./api";
import type { KnownStudy } from "./studies";

const ICONS = {
  send: IconArrowUp,
  "send-files": IconArrowUp,
  move: IconArrowDown,
  get: IconArrowDown,
  anonymise: IconShieldLock,
} as const;

/** What a job does, to whose images, and with whom; a study that is here is a link. */
export function JobTitle({ job, studies }: { job: Job; studies: ReadonlyMap<string, KnownStudy> }) {
  const { t, i18n } = useTranslation("jobs");
  const { about } = job;
  const Icon = job.kind in ICONS ? ICONS[job.kind as keyof typeof ICONS] : IconStack2;
  const [first = ""] = about.studies;
  const known = studies.get(first);
  const partner =
    about.destination && job.kind === "move" ? `${about.node} → ${about.destination}` : about.node;
  return (
    <Group gap={10} wrap="nowrap" align="flex-start">
      <Icon size={17} stroke={1.7} style={{ marginTop: 2, flexShrink: 0 }} aria-hidden />
      <div>
        <Text size="sm" fw={550}>
          {i18n.exists(`jobs:kind.${job.kind}`) ? t(`kind.${job.kind}`) : job.kind}{" "}
          {partner && (
            <Text span ff="monospace" size="sm" fw={600}>
              {partner}
            </Text>
          )}
        </Text>
        <Text size="xs" c="dimmed" component="div">
          {known ? (
            <Anchor href={viewerAddress([first])} size="xs">
              <bdi>{showName(known.PatientName, i18n.language) || known.PatientID}</bdi>
            </Anchor>
          ) : (
            <WhatOf job={job} />
          )}
          {known?.StudyDescription && <bdi> · {known.StudyDescription}</bdi>}
          {known && about.study_count > 1 && ` + ${t("what.study", { count: about.study_count - 1 })}`}
          {job.attempts > 1 && ` · ${t("attempts", { count: job.attempts })}`}
        </Text>
      </div>
    </Group>
  );
}

function WhatOf({ job }: { job: Job }) {
  const { t } = useTranslation("jobs");
  const { instance_count, series_count, study_count, patient_id } = job.about;
  if (instance_count) return t("what.instance", { count: instance_count });
  if (series_count) return t("what.series", { count: series_count });
  if (study_count) return t("what.study", { count: study_count });
  if (patient_id) return t("what.patient", { id: patient_id });
  return <bdi>{job.title}</bdi>;
}
