import { Pill, PillsInput, Textarea, Combobox, useCombobox } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { useMay } from "@/app/session";
import { Problem } from "@/api/client";

import { mark, STUDIES, useLabels } from "../api";
import type { Marks, Study } from "../api";

/** Labels and remark of a study, changed where they are read. */
export function MarksEditor({ study }: { study: Study }) {
  const { t } = useTranslation("studies");
  const queries = useQueryClient();
  const mayChange = useMay("operator");
  const kept = study.remark ?? "";
  const [remark, setRemark] = useState(kept);
  const [told, setTold] = useState(kept);
  if (kept !== told) {
    // Somebody else has written it, or it has been saved: what is being typed here stays.
    setTold(kept);
    if (remark === told) setRemark(kept);
  }
  const change = useMutation({
    mutationFn: (marks: Marks) => mark([study.StudyInstanceUID], marks),
    onError: (error) =>
      notifications.show({ color: "red", message: error instanceof Problem ? error.message : String(error) }),
    onSettled: () => queries.invalidateQueries({ queryKey: STUDIES }),
  });
  const labels = study.labels ?? [];
  if (!mayChange && labels.length === 0 && !remark) return null;
  return (
    <>
      <LabelField
        labels={labels}
        isFixed={!mayChange}
        onAdd={(label) => change.mutate({ add_labels: [label] })}
        onRemove={(label) => change.mutate({ remove_labels: [label] })}
      />
      <Textarea
        mt={6}
        size="xs"
        autosize
        minRows={1}
        maxRows={5}
        maxLength={2000}
        readOnly={!mayChange}
        aria-label={t("marks.remark")}
        placeholder={t("marks.remark.placeholder")}
        value={remark}
        onChange={(event) => setRemark(event.currentTarget.value)}
        onBlur={() => {
          if (remark.trim() !== kept) change.mutate({ remark });
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.blur();
          if (event.key !== "Escape" || remark === kept) return;
          event.stopPropagation();
          setRemark(kept);
        }}
      />
    </>
  );
}

interface FieldProps {
  labels: readonly string[];
  isFixed: boolean;
  onAdd: (label: string) => void;
  onRemove: (label: string) => void;
}

function LabelField({ labels, isFixed, onAdd, onRemove }: FieldProps) {
  const { t } = useTranslation("studies");
  const [typed, setTyped] = useState("");
  const combobox = useCombobox();
  const known = useLabels();
  const fitting = (known.data ?? [])
    .map((each) => each.label)
    .filter((label) => !labels.includes(label) && label.toLowerCase().includes(typed.trim().toLowerCase()));
  const add = (label: string) => {
    if (label.trim()) onAdd(label.trim());
    setTyped("");
    combobox.closeDropdown();
  };
  return (
    <Combobox store={combobox} onOptionSubmit={add} size="xs">
      <Combobox.DropdownTarget>
        <PillsInput size="xs" mt="sm" disabled={isFixed}>
          <Pill.Group>
            {labels.map((label) => (
              <Pill
                key={label}
                size="sm"
                withRemoveButton={!isFixed}
                onRemove={() => onRemove(label)}
                removeButtonProps={{
                  "aria-label": t("marks.remove", { label }),
                  "aria-hidden": false,
                  tabIndex: 0,
                }}
              >
                {label}
              </Pill>
            ))}
            <Combobox.EventsTarget>
              <PillsInput.Field
                aria-label={t("marks.add")}
                placeholder={t("marks.add")}
                maxLength={32}
                value={typed}
                onFocus={() => combobox.openDropdown()}
                onBlur={() => combobox.closeDropdown()}
                onChange={(event) => {
                  setTyped(event.currentTarget.value);
                  combobox.openDropdown();
                }}
                onKeyDown={(event) => {
                  if (event.key === "Escape" && combobox.dropdownOpened && fitting.length > 0)
                    event.stopPropagation();
                  else if (event.key === "Enter" && combobox.getSelectedOptionIndex() < 0) {
                    event.preventDefault();
                    add(typed);
                  } else if (event.key === "Backspace" && !typed && labels.length)
                    onRemove(labels.at(-1) ?? "");
                }}
              />
            </Combobox.EventsTarget>
          </Pill.Group>
        </PillsInput>
      </Combobox.DropdownTarget>
      <Combobox.Dropdown hidden={fitting.length === 0}>
        <Combobox.Options mah={180} style={{ overflowY: "auto" }}>
          {fitting.slice(0, 50).map((label) => (
            <Combobox.Option key={label} value={label}>
              {label}
            </Combobox.Option>
          ))}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}
