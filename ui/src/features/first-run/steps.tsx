import { Anchor, Button, Code, Group, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import { useSession } from "@/app/session";
import { Failure } from "@/components/Failure";
import { EchoMark } from "@/features/nodes/EchoMark";
import { useNodes } from "@/features/nodes/api";
import { useStatus } from "@/features/status/api";
import { OurAddress } from "@/features/status/OurAddress";
import { showBytes } from "@/i18n/formats";

import { useLastStudy, usePutSample } from "./api";
import styles from "./FirstRun.module.css";
import { Step } from "./Step";

const FEW_NODES = 5;
/** Below this a new archive is soon full. */
const SHORT_BYTES = 20e9;

export function PasswordStep() {
  const { t } = useTranslation("first-run");
  const { session } = useSession();
  const isGiven = session?.must_change_password === true;
  return (
    <Step
      title={t("password")}
      state={isGiven ? "warning" : "good"}
      told={isGiven ? t("password.given") : t("password.own")}
    >
      <Text size="sm">{t("password.hint")}</Text>
      <Anchor component={Link} href="/password" size="sm">
        {t("password.change")}
      </Anchor>
    </Step>
  );
}

export function DoorsStep() {
  const { t } = useTranslation("first-run");
  const { data: status } = useStatus();
  const open = status?.listeners.filter((each) => each.is_open).length ?? 0;
  const isWhole = open > 0 && open === status?.listeners.length;
  return (
    <Step
      title={t("doors")}
      state={status ? (isWhole ? "good" : "bad") : "quiet"}
      told={status ? (isWhole ? t("doors.open", { count: open }) : t("doors.closed")) : t("checking")}
    >
      <Text size="sm">{t("doors.hint")}</Text>
      <OurAddress services={["storage"]} />
      <Anchor component={Link} href="/status" size="sm">
        {t("doors.more")}
      </Anchor>
    </Step>
  );
}

export function StorageStep() {
  const { t, i18n } = useTranslation("first-run");
  const { data: status } = useStatus();
  const disk = status?.disk;
  const isShort = disk !== undefined && disk.free_bytes - disk.min_free_bytes < SHORT_BYTES;
  const free = showBytes(disk?.free_bytes ?? 0, i18n.language);
  return (
    <Step
      title={t("storage")}
      state={disk ? (isShort ? "warning" : "good") : "quiet"}
      told={disk ? t(isShort ? "storage.short" : "storage.room", { free }) : t("checking")}
    >
      <Text size="sm">{t("storage.hint")}</Text>
      {disk && <Code className={styles.path ?? ""}>{disk.path}</Code>}
    </Step>
  );
}

export function NodesStep() {
  const { t } = useTranslation("first-run");
  const { data: nodes } = useNodes();
  return (
    <Step
      title={t("nodes")}
      state={nodes?.length ? "good" : "quiet"}
      told={
        nodes ? (nodes.length ? t("nodes.count", { count: nodes.length }) : t("nodes.none")) : t("checking")
      }
    >
      <Text size="sm">{t("nodes.hint")}</Text>
      {nodes?.slice(0, FEW_NODES).map((node) => (
        <Group key={node.ae_title} gap="md">
          <Text size="sm" ff="monospace">
            {node.ae_title}
          </Text>
          <EchoMark aeTitle={node.ae_title} />
        </Group>
      ))}
      <Anchor component={Link} href={nodes?.length ? "/nodes" : "/nodes?new"} size="sm">
        {nodes?.length ? t("nodes.more") : t("nodes.add")}
      </Anchor>
    </Step>
  );
}

export function StudyStep() {
  const { t } = useTranslation("first-run");
  const { data: study } = useLastStudy();
  const sample = usePutSample();
  return (
    <Step
      title={t("study")}
      state={study ? "good" : "quiet"}
      told={study === undefined ? t("checking") : study ? t("study.there") : t("study.none")}
    >
      <Text size="sm">{t("study.hint")}</Text>
      {sample.error && <Failure error={sample.error} />}
      <Group gap="sm">
        {study && (
          <Button
            component="a"
            href={`viewer/${encodeURIComponent(study.StudyInstanceUID)}`}
            target="_blank"
            variant="default"
            size="xs"
          >
            {t("study.open")}
          </Button>
        )}
        {study === null && (
          <Button size="xs" loading={sample.isPending} onClick={() => sample.mutate()}>
            {t("study.put")}
          </Button>
        )}
      </Group>
    </Step>
  );
}
