import { Button, Group, Modal, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { useQuestion } from "../asked";
import type { Question } from "../asked";

const MOST = 200;

/** Asks for the words of an arrow. Enter keeps them, Escape takes back what was to be asked for. */
export default function WordsDialog() {
  const { t } = useTranslation("viewer");
  const question = useQuestion();
  return (
    <Modal
      opened={question !== undefined}
      onClose={() => question?.answer(undefined)}
      title={t(question?.text ? "words.change" : "words.new")}
      centered
      size="sm"
      transitionProps={{ duration: 0 }}
    >
      {question && <Words question={question} />}
    </Modal>
  );
}

function Words({ question }: { question: Question }) {
  const { t } = useTranslation("viewer");
  const common = useTranslation().t;
  const [text, write] = useState(question.text);
  const given = text.trim();
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (given) question.answer(given);
      }}
    >
      <TextInput
        label={t("words")}
        value={text}
        maxLength={MOST}
        data-autofocus
        onFocus={(event) => event.currentTarget.select()}
        onChange={(event) => write(event.currentTarget.value)}
      />
      <Group justify="flex-end" mt="md">
        <Button variant="default" onClick={() => question.answer(undefined)}>
          {common("action.cancel")}
        </Button>
        <Button type="submit" disabled={!given}>
          {common("action.save")}
        </Button>
      </Group>
    </form>
  );
}
