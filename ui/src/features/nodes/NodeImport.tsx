import { Alert, Button, FileButton, Group, List, Modal, Stack, Text, Textarea } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Failure } from "@/components/Failure";
import { worded } from "@/i18n/said";

import { useImportNodes } from "./api";

/** Takes over the neighbours of another system, as its configuration has them. */
export function NodeImport({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation("nodes");
  const [text, setText] = useState("");
  const taking = useImportNodes();
  const close = () => {
    setText("");
    taking.reset();
    onClose();
  };
  return (
    <Modal opened={opened} onClose={close} title={t("import")} size="lg">
      <Stack gap="md">
        <Text size="sm">{t("import.what")}</Text>
        <Textarea
          label={t("import.text")}
          autosize
          minRows={8}
          maxRows={16}
          ff="monospace"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        {taking.error && <Failure error={taking.error} />}
        {taking.data && (
          <Alert color="green" variant="light" role="status">
            {t("import.done", { ...taking.data })}
            <List size="sm">
              {taking.data.problems_said.map((problem) => (
                <List.Item key={problem.text}>{worded([problem], problem.text)}</List.Item>
              ))}
            </List>
          </Alert>
        )}
        <Group justify="space-between">
          <FileButton
            accept=".json,.txt,application/json"
            onChange={(file) => {
              if (file) void file.text().then(setText);
            }}
          >
            {(props) => (
              <Button {...props} variant="default">
                {t("import.file")}
              </Button>
            )}
          </FileButton>
          <Button disabled={!text.trim()} loading={taking.isPending} onClick={() => taking.mutate(text)}>
            {t("import")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
