import { ActionIcon, Button, CloseButton, Group, Loader, Text, Title, Tooltip } from "@mantine/core";
import {
  IconCheck,
  IconDownload,
  IconEye,
  IconLink,
  IconSend,
  IconTrash,
  IconUser,
} from "@tabler/icons-react";
import { useRef, useState } from "react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import { useMay } from "@/app/session";
import { Copying } from "@/components/Copying";
import { Empty } from "@/components/Empty";
import { Failure } from "@/components/Failure";
import { OpenIn } from "@/features/open/OpenIn";
import { showDate, showName, showTime } from "@/i18n/formats";
import { viewerAddress } from "@/viewer/address";

import { ImagesOfSeries } from "./ImagesOfSeries";
import { MarksEditor } from "./MarksEditor";
import { SeriesList } from "./SeriesList";
import { askDelete } from "../actions/DeleteDialog";
import { downloadZips } from "../actions/download";
import { askSend } from "../actions/SendDialog";
import { addressOfPatient } from "../actions/viewers";
import { useStudy } from "../api";
import type { Study } from "../api";
import type { Series } from "../dicom";
import styles from "./panel.module.css";

interface Props {
  uid: string;
  /** Over the list instead of beside it. */
  isOver: boolean;
  onClose: () => void;
}

/** One study: who and what it is, its series, their images, their headers. */
export default function StudyPanel({ uid, isOver, onClose }: Props) {
  const { t } = useTranslation("studies");
  const { data: study, error, isPending, refetch } = useStudy(uid);
  return (
    <aside
      className={`${styles.panel ?? ""} ${isOver ? (styles.over ?? "") : ""}`}
      aria-label={t("panel.label")}
      onKeyDown={(event) => {
        if (event.key === "Escape") onClose();
      }}
    >
      {isPending && <Loader size="sm" m="xl" mx="auto" />}
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {study === null && (
        <Empty icon={IconTrash} title={t("panel.gone")}>
          <Button variant="default" size="xs" onClick={onClose}>
            {t("panel.close")}
          </Button>
        </Empty>
      )}
      {study && (
        <>
          <Head study={study} onClose={onClose} />
          <Contents key={study.StudyInstanceUID} study={study} />
        </>
      )}
    </aside>
  );
}

function Head({ study, onClose }: { study: Study; onClose: () => void }) {
  const { t, i18n } = useTranslation("studies");
  const mayChange = useMay("operator");
  const born = showDate(study.PatientBirthDate, i18n.language);
  const sex =
    study.PatientSex && "MFO".includes(study.PatientSex)
      ? t(`sex.${study.PatientSex as "M"}`)
      : study.PatientSex;
  const uid = study.StudyInstanceUID;
  return (
    <header className={styles.head}>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <div>
          <Title order={2} className={styles.value ?? ""}>
            {[showName(study.PatientName, i18n.language), study.PatientID, "—"].find(Boolean)}
          </Title>
          <Text size="xs" c="dimmed" className={styles.value ?? ""}>
            {[study.PatientID, sex, born].filter(Boolean).join(" · ")}
          </Text>
        </div>
        <CloseButton onClick={onClose} aria-label={t("panel.close")} />
      </Group>
      <Text size="sm" mt={6} className={styles.value ?? ""}>
        {study.StudyDescription}
      </Text>
      <Text size="xs" c="dimmed" className={styles.value ?? ""}>
        {[
          `${showDate(study.StudyDate, i18n.language)} ${showTime(study.StudyTime)}`.trim(),
          study.AccessionNumber,
          showName(study.ReferringPhysicianName, i18n.language),
        ]
          .filter(Boolean)
          .join(" · ")}
      </Text>
      <Group gap={4} mt="sm">
        <Button
          component="a"
          href={viewerAddress([uid])}
          size="compact-sm"
          leftSection={<IconEye size={15} />}
        >
          {t("act.open")}
        </Button>
        <OpenIn studies={[uid]} />
        {study.PatientID && (
          <Sign
            label={t("act.patient")}
            icon={<IconUser size={16} />}
            href={addressOfPatient(study.PatientID)}
          />
        )}
        {mayChange && (
          <Sign label={t("act.send")} icon={<IconSend size={16} />} onClick={() => askSend([study])} />
        )}
        <Sign label={t("act.zip")} icon={<IconDownload size={16} />} onClick={() => downloadZips([uid])} />
        <Copying value={window.location.href}>
          {({ copied, copy }) => (
            <Sign
              label={copied ? t("act.copied") : t("act.link")}
              icon={copied ? <IconCheck size={16} /> : <IconLink size={16} />}
              onClick={copy}
            />
          )}
        </Copying>
        {mayChange && (
          <Sign
            label={t("act.delete")}
            icon={<IconTrash size={16} />}
            onClick={() => askDelete([study], onClose)}
          />
        )}
      </Group>
      <MarksEditor key={uid} study={study} />
    </header>
  );
}

function Sign({
  label,
  icon,
  href,
  onClick,
}: {
  label: string;
  icon: ReactNode;
  href?: string;
  onClick?: () => void;
}) {
  const look = { variant: "subtle", color: "gray", size: 28, "aria-label": label } as const;
  return (
    <Tooltip label={label}>
      {href ? (
        <ActionIcon {...look} component={Link} href={href}>
          {icon}
        </ActionIcon>
      ) : (
        <ActionIcon {...look} onClick={onClick}>
          {icon}
        </ActionIcon>
      )}
    </Tooltip>
  );
}

function Contents({ study }: { study: Study }) {
  const [series, setSeries] = useState<Series | null>(null);
  const place = useRef<HTMLDivElement>(null);
  const back = () => {
    // What was pressed goes: the keyboard stays in the panel.
    place.current?.focus({ preventScroll: true });
    setSeries(null);
  };
  return (
    <div ref={place} tabIndex={-1} className={styles.content}>
      {series ? (
        <ImagesOfSeries study={study.StudyInstanceUID} series={series} onBack={back} />
      ) : (
        <SeriesList study={study} onChoose={setSeries} />
      )}
    </div>
  );
}
