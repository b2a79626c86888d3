import "./texts";

import { Grid, Group, Loader, Paper, Progress, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { useMay } from "@/app/session";
import { Failure } from "@/components/Failure";
import { PageHead } from "@/components/PageHead";
import { StateMark } from "@/components/StateMark";
import { showBytes, showDuration } from "@/i18n/formats";

import { useStatus } from "./api";
import { OurAddress } from "./OurAddress";
import { Connected, Ports } from "./Ports";
import { RefusedServices, TurnedAway } from "./Refused";
import { TrafficPlots } from "./TrafficPlots";
import type { Status } from "./api";

/** How everything stands: ports, who is connected, who was refused and why, the last hour, the disk. */
export default function StatusPage() {
  const { t, i18n } = useTranslation("status");
  const { data: status, error, isPending, refetch } = useStatus();
  const seesRefusals = useMay("operator");
  if (isPending) return <Loader size="sm" />;
  if (error) return <Failure error={error} onRetry={() => void refetch()} />;
  const isBusy = status.listeners.some((listener) => listener.associations.length > 0);
  const upS = (status.now_us - status.started_us) / 1e6;
  return (
    <>
      <PageHead
        title={t("title")}
        aside={
          <Text size="sm" c="dimmed">
            {t("up", { time: showDuration(upS, i18n.language) })} ·{" "}
            {t("version", { version: status.version })}
          </Text>
        }
      />
      <Stack gap="lg">
        <Grid gap="md" align="stretch">
          <Grid.Col span={{ base: 12, md: 8 }}>
            <Part title={t("now")}>
              {isBusy ? (
                <Connected status={status} />
              ) : (
                <div>
                  <Text size="sm" c="dimmed">
                    {t("now.none")}
                  </Text>
                  <OurAddress services={["storage"]} />
                </div>
              )}
            </Part>
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 4 }}>
            <Part title={t("disk")}>
              <Disk disk={status.disk} />
            </Part>
          </Grid.Col>
        </Grid>
        <Part title={t("hour")}>
          <TrafficPlots />
        </Part>
        <Part title={t("listeners")}>
          <Ports status={status} />
        </Part>
        {seesRefusals && (
          <Part title={t("refused")}>
            <RefusedServices />
          </Part>
        )}
        <Part title={t("rejected")}>
          <TurnedAway />
        </Part>
      </Stack>
    </>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <Title order={2} mb="xs">
        {title}
      </Title>
      {children}
    </section>
  );
}

const LOW = 0.1;

function Disk({ disk }: { disk: Status["disk"] }) {
  const { t, i18n } = useTranslation("status");
  const { free_bytes: free, total_bytes: total, min_free_bytes: reserve } = disk;
  const used = total > 0 ? (100 * (total - free)) / total : 0;
  const isLow = free < reserve || (total > 0 && free / total < LOW);
  return (
    <Paper bg="var(--ground)" withBorder p="md">
      <Stack gap="xs">
        <Group justify="space-between">
          <Text fw={600}>
            {t("disk.free", {
              free: showBytes(free, i18n.language),
              total: showBytes(total, i18n.language),
            })}
          </Text>
        </Group>
        <Progress
          value={used}
          color={isLow ? "var(--state-bad)" : "var(--state-news)"}
          aria-label={t("disk")}
        />
        {isLow && <StateMark state="bad">{t("disk.low")}</StateMark>}
        <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>
          {disk.path}
        </Text>
        {reserve > 0 && (
          <Text size="xs" c="dimmed">
            {t("disk.reserve", { reserve: showBytes(reserve, i18n.language) })}
          </Text>
        )}
      </Stack>
    </Paper>
  );
}
