import "./texts";

import { ActionIcon, Group, Loader, Text, Tooltip } from "@mantine/core";
import { IconHeartbeat } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

import { StateMark } from "@/components/StateMark";
import { worded } from "@/i18n/said";

import { useEcho } from "./api";

/** Whether a node answers, with the button that asks. */
export function EchoMark({ aeTitle }: { aeTitle: string }) {
  const { t } = useTranslation("nodes");
  const { data, error, isFetching, refetch } = useEcho(aeTitle);
  return (
    <Group gap={4} wrap="nowrap">
      <Tooltip label={t("echo")}>
        <ActionIcon
          variant="subtle"
          color="gray"
          size="md"
          aria-label={t("echo.of", { name: aeTitle })}
          onClick={() => void refetch()}
        >
          {isFetching ? <Loader size={14} /> : <IconHeartbeat size={17} stroke={1.7} />}
        </ActionIcon>
      </Tooltip>
      <span role="status">
        {isFetching && (
          <Text size="sm" c="dimmed" span>
            {t("asking")}
          </Text>
        )}
        {!isFetching && error && <StateMark state="bad">{error.message}</StateMark>}
        {!isFetching && data && (
          <Tooltip
            label={worded(data.said, data.detail)}
            multiline
            maw={420}
            events={{ hover: true, focus: true, touch: true }}
          >
            <span tabIndex={0}>
              <StateMark state={data.verdict === "answers" ? "good" : "bad"}>
                {t(`verdict.${data.verdict}`)}
                {data.echo_ms !== null && ` · ${Math.max(1, Math.round(data.total_ms))} ms`}
              </StateMark>
            </span>
          </Tooltip>
        )}
      </span>
    </Group>
  );
}
