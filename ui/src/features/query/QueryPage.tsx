import "./texts";

import { Alert, Button, Group, Loader, Paper, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconArrowsExchange, IconServer2 } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "wouter";

import { Empty } from "@/components/Empty";
import { Failure } from "@/components/Failure";
import { PageHead } from "@/components/PageHead";
import { useNodes } from "@/features/nodes/api";
import { NodePicker } from "@/features/nodes/NodePicker";
import { OurAddress } from "@/features/status/OurAddress";

import { Answers } from "./Answers";
import { useFind } from "./api";
import { askedLast, fromParams, keepAsked, toKeys, toParams } from "./form";
import { QuestionForm } from "./QuestionForm";

/** Ask other archives what they have, several at once, and fetch it. The question stands in the address bar. */
export default function QueryPage() {
  const { t } = useTranslation("query");
  const { data: all, error, isPending } = useNodes();
  const [params, setParams] = useSearchParams();
  const asked = fromParams(params);
  const nodes = all?.filter((node) => node.roles.includes("query")) ?? [];
  const [picked, setPicked] = useState<string[] | null>(asked.nodes.length ? asked.nodes : null);
  const chosen = picked ?? askedLast(nodes.map((node) => node.ae_title));
  const isAsked = asked.nodes.length > 0;
  const finding = useFind(asked.nodes, isAsked ? toKeys(asked.question) : null);
  const isBusy = finding.some((each) => each.isFetching);

  if (isPending) return <Loader size="sm" />;
  if (error) return <Failure error={error} />;
  return (
    <>
      <PageHead title={t("title")} />
      {nodes.length === 0 ? (
        <Empty icon={IconServer2} title={t("no-nodes")}>
          {t("no-nodes.how")}
          <OurAddress services={["storage"]} />
          <Button component={Link} href="/nodes" variant="default" mt="md">
            {t("to-nodes")}
          </Button>
        </Empty>
      ) : (
        <Stack gap="md">
          <Paper bg="var(--ground)" withBorder p="md">
            <Stack gap="md">
              <NodePicker
                label={t("nodes")}
                nodes={nodes}
                chosen={chosen}
                onChoose={setPicked}
                allLabel={t("nodes.all")}
              />
              <QuestionForm
                initial={asked.question}
                canAsk={chosen.length > 0}
                isBusy={isBusy}
                onAsk={(question) => {
                  keepAsked(chosen);
                  const next = toParams(question, chosen);
                  if (next.toString() === params.toString()) for (const each of finding) void each.refetch();
                  else setParams(next);
                }}
              />
            </Stack>
          </Paper>
          {finding.map((each, at) => {
            const node = asked.nodes[at] ?? "";
            if (each.error)
              return (
                <Alert key={node} color="red" variant="light" role="alert" py="xs">
                  <Group justify="space-between" gap="xs">
                    <Group gap="sm" flex="1 1 16rem" wrap="nowrap" align="flex-start">
                      <IconAlertTriangle
                        size={18}
                        style={{ flexShrink: 0, color: "var(--state-bad)" }}
                        aria-hidden
                      />
                      <Text size="sm">
                        <b>{node}</b> · {each.error.message}
                      </Text>
                    </Group>
                    <Button size="compact-sm" variant="default" onClick={() => void each.refetch()}>
                      {t("action.retry", { ns: "app" })}
                    </Button>
                  </Group>
                </Alert>
              );
            if (each.data && !each.data.is_complete)
              return (
                <Alert key={node} color="amber" variant="light">
                  {t("more", { node })}
                </Alert>
              );
            return null;
          })}
          {isAsked ? (
            <Answers
              answers={finding.flatMap((each, at) =>
                (each.data?.answers ?? []).map((fields) => ({ node: asked.nodes[at] ?? "", fields })),
              )}
              isBusy={isBusy}
              hasFailed={finding.every((each) => each.error)}
              nodes={all}
            />
          ) : (
            <Empty icon={IconArrowsExchange} title={t("not-asked")}>
              {t("not-asked.how")}
            </Empty>
          )}
        </Stack>
      )}
    </>
  );
}
