import "./texts";

import { Badge, Button, Group, Loader, SegmentedControl, Stack, Table, Text, Title } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconRestore, IconTrash, IconTrashOff } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { useMay } from "@/app/session";
import { Problem } from "@/api/client";
import { Empty } from "@/components/Empty";
import { Failure } from "@/components/Failure";
import { showBytes, showCount, showDate, showName } from "@/i18n/formats";

import { BIN, restore, useDeletions } from "./api";
import type { Deletion } from "./api";
import { askPurge } from "./PurgeDialog";

/** What was deleted, by whom and when; back into the archive, or away for good. */
export default function RecycleBinPage() {
  const { t } = useTranslation("recycle");
  const [isAll, setAll] = useState(false);
  const mayPurge = useMay("admin");
  const { data, error, isPending, hasNextPage, fetchNextPage, isFetchingNextPage, refetch } =
    useDeletions(isAll);
  const deletions = data?.pages.flat() ?? [];
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <div>
          <Title order={1}>{t("title")}</Title>
          <Text size="xs" c="dimmed">
            {t("what")}
          </Text>
        </div>
        <Group gap="sm">
          <SegmentedControl
            size="xs"
            aria-label={t("show")}
            value={isAll ? "all" : "kept"}
            onChange={(value) => setAll(value === "all")}
            data={[
              { value: "kept", label: t("show.kept") },
              { value: "all", label: t("show.all") },
            ]}
          />
          {mayPurge && deletions.some((each) => each.state === "kept") && (
            <Button
              size="xs"
              color="red"
              variant="light"
              leftSection={<IconTrash size={14} />}
              onClick={() => askPurge(null)}
            >
              {t("empty-all")}
            </Button>
          )}
        </Group>
      </Group>
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {isPending && <Loader size="sm" m="xl" mx="auto" />}
      {data && deletions.length === 0 && (
        <Empty icon={IconTrashOff} title={t("empty")}>
          {t("empty.how")}
        </Empty>
      )}
      {deletions.length > 0 && (
        <Table.ScrollContainer minWidth={720}>
          <Table verticalSpacing={7} highlightOnHover>
            <Table.Thead>
              <Table.Tr>
                {(["what", "images", "size", "deleted", "by", "reason"] as const).map((name) => (
                  <Table.Th key={name} fz="xs" fw={500} c="dimmed">
                    {t(`col.${name}`)}
                  </Table.Th>
                ))}
                <Table.Th />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {deletions.map((deletion) => (
                <Line key={deletion.id} deletion={deletion} />
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {hasNextPage && (
        <Button variant="default" size="xs" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {t("more")}
        </Button>
      )}
    </Stack>
  );
}

function Line({ deletion }: { deletion: Deletion }) {
  const { t, i18n } = useTranslation("recycle");
  const queries = useQueryClient();
  const mayPurge = useMay("admin");
  const back = useMutation({
    mutationFn: () => restore(deletion.id),
    onSuccess: ({ served }) => notifications.show({ message: t("restored", { count: served }) }),
    onError: (error) =>
      notifications.show({ color: "red", message: error instanceof Problem ? error.message : String(error) }),
    onSettled: async () => {
      await queries.invalidateQueries({ queryKey: BIN });
      await queries.invalidateQueries({ queryKey: ["studies"] });
    },
  });
  const { about } = deletion;
  const deleted = new Intl.DateTimeFormat(i18n.language, { dateStyle: "medium", timeStyle: "short" });
  return (
    <Table.Tr>
      <Table.Td>
        <Text size="sm" fw={550}>
          {[showName(about.PatientName, i18n.language), about.PatientID, deletion.study].find(Boolean)}
        </Text>
        <Text size="xs" c="dimmed">
          {[
            deletion.level === "STUDY" ? "" : t(`level.${deletion.level as "SERIES"}`),
            showDate(about.StudyDate, i18n.language),
            about.StudyDescription,
          ]
            .filter(Boolean)
            .join(" · ")}
        </Text>
      </Table.Td>
      <Table.Td>{showCount(deletion.instances, i18n.language)}</Table.Td>
      <Table.Td>{showBytes(deletion.stored_bytes, i18n.language)}</Table.Td>
      <Table.Td>{deleted.format(deletion.deleted_us / 1000)}</Table.Td>
      <Table.Td>{deletion.deleted_by}</Table.Td>
      <Table.Td>{deletion.reason}</Table.Td>
      <Table.Td>
        {deletion.state === "kept" ? (
          <Group gap={4} justify="flex-end" wrap="nowrap">
            <Button
              size="compact-sm"
              variant="default"
              leftSection={<IconRestore size={14} />}
              loading={back.isPending}
              onClick={() => back.mutate()}
            >
              {t("restore")}
            </Button>
            {mayPurge && (
              <Button size="compact-sm" variant="subtle" color="red" onClick={() => askPurge(deletion)}>
                {t("purge")}
              </Button>
            )}
          </Group>
        ) : (
          <Badge variant="default" tt="none" fw={500}>
            {t(`state.${deletion.state}`)}
          </Badge>
        )}
      </Table.Td>
    </Table.Tr>
  );
}
