import "./texts";

import { Button, Group, Stack } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Failure } from "@/components/Failure";

import { useSend } from "./api";
import { Destination, NO_WISHES } from "./Destination";
import { SentJobs } from "./SentJobs";
import type { Chosen } from "./api";

interface Props {
  chosen: Chosen;
  onClose: () => void;
}

/** Sends what is chosen on another page, and stays to show how it goes. */
export default function Sending({ chosen, onClose }: Props) {
  const { t } = useTranslation("send");
  const [wishes, setWishes] = useState(NO_WISHES);
  const sending = useSend();
  return (
    <Stack gap="lg">
      <Destination wishes={wishes} onChange={setWishes} />
      {sending.error && <Failure error={sending.error} />}
      <SentJobs ids={sending.data?.map((job) => job.id) ?? []} />
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          {t("close")}
        </Button>
        <Button
          disabled={wishes.nodes.length === 0}
          loading={sending.isPending}
          onClick={() => sending.mutate({ ...wishes, chosen })}
        >
          {t("send")}
        </Button>
      </Group>
    </Stack>
  );
}
