import { Loader } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useTranslation } from "react-i18next";

import { Failure } from "@/components/Failure";
import { FormDrawer } from "@/components/FormDrawer";
import { showName } from "@/i18n/formats";

import { cloned, STEPS, text, useItem, useSave } from "./api";
import { ItemForm } from "./ItemForm";
import type { Attributes } from "./api";
import type { Editing } from "./EntryMenu";

interface Props {
  editing: Editing | null;
  /** The day that a new examination is for (YYYYMMDD). */
  day: string;
  onClose: () => void;
}

/** One examination: a new one, a copy of one, or one to be changed. */
export function ItemDrawer({ editing, day, onClose }: Props) {
  const { t } = useTranslation("worklist");
  return (
    <FormDrawer
      opened={editing !== null}
      onClose={onClose}
      // It has a name while it closes, too.
      title={t(`form.${editing?.mode ?? "edit"}`)}
      size={520}
    >
      {editing && <Editor editing={editing} day={day} onClose={onClose} />}
    </FormDrawer>
  );
}

function Editor({ editing, day, onClose }: Props & { editing: Editing }) {
  const { i18n, t } = useTranslation("worklist");
  const { data, error, isFetching } = useItem(editing.id);
  const saving = useSave(editing.mode === "edit" ? editing.id : null);
  const save = (item: Attributes) =>
    saving.mutate(item, {
      onSuccess: () => {
        const name = showName(text(item, "PatientName"), i18n.language);
        notifications.show({ message: t("saved", { name }) });
        onClose();
      },
    });
  if (error) return <Failure error={error} />;
  if (editing.id !== null && (!data || isFetching)) return <Loader size="sm" />;
  const initial = data ? (editing.mode === "clone" ? cloned(data.item) : data.item) : blank(day);
  return (
    <ItemForm
      initial={initial}
      isNew={editing.mode !== "edit"}
      isBusy={saving.isPending}
      failed={saving.error}
      onSave={save}
    />
  );
}

/** The next quarter of an hour, as most plans are made for it. */
function blank(day: string): Attributes {
  const now = new Date();
  now.setMinutes(Math.ceil((now.getMinutes() + 1) / 15) * 15, 0);
  const two = (part: number) => String(part).padStart(2, "0");
  const step = {
    ScheduledProcedureStepStartDate: day,
    ScheduledProcedureStepStartTime: `${two(now.getHours())}${two(now.getMinutes())}`,
  };
  return { RequestedProcedurePriority: "ROUTINE", [STEPS]: [step] };
}
