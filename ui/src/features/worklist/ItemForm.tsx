import { Button, Group, Select, SimpleGrid, Stack, TextInput, Title } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";

import { DrawerForm } from "@/components/FormDrawer";
import { MODALITIES } from "@/features/query/QuestionForm";

import { STEPS, stepsOf, text, useStations } from "./api";
import { fromField, fromTimeField, toField, toTimeField } from "./days";
import type { Attributes } from "./api";

interface Props {
  initial: Attributes;
  isNew: boolean;
  isBusy: boolean;
  failed: unknown;
  onSave: (item: Attributes) => void;
}

type Set = (keyword: string, value: string) => void;

interface FieldProps {
  of: Attributes;
  keyword: string;
  label: string;
  set: Set;
  isRequired?: boolean;
  hint?: string;
  placeholder?: string;
  /** The name of a list of what it may well be. */
  list?: string;
}

/** An examination as people enter it. What the form does not show stays as it is. */
export function ItemForm({ initial, isNew, isBusy, failed, onSave }: Props) {
  const { t } = useTranslation("worklist");
  const [item, setItem] = useState(initial);
  const set: Set = (keyword, value) => setItem((before) => ({ ...before, [keyword]: value }));
  const steps = stepsOf(item);
  const setSteps = (next: Attributes[]) => setItem((before) => ({ ...before, [STEPS]: next }));
  const made = isNew ? t("auto") : "";
  const field = { of: item, set };
  return (
    <DrawerForm
      onSubmit={(event) => {
        event.preventDefault();
        onSave(item);
      }}
      isBusy={isBusy}
      failed={failed}
      besides={
        <Button
          variant="subtle"
          leftSection={<IconPlus size={15} />}
          onClick={() => {
            const next = { ...steps.at(-1) };
            delete next.ScheduledProcedureStepID;
            setSteps([...steps, next]);
          }}
        >
          {t("step.add")}
        </Button>
      }
    >
      <Title order={3}>{t("group.patient")}</Title>
      <Field {...field} keyword="PatientName" label={t("name")} hint={t("name.hint")} isRequired />
      <SimpleGrid cols={2} spacing="sm">
        <Field {...field} keyword="PatientID" label={t("id")} isRequired={!isNew} placeholder={made} />
        <DateField {...field} keyword="PatientBirthDate" label={t("born")} />
        <Choice {...field} keyword="PatientSex" label={t("sex")} words="sex" values={["F", "M", "O"]} />
        <Field {...field} keyword="PatientWeight" label={t("weight")} />
      </SimpleGrid>
      <Title order={3}>{t("group.request")}</Title>
      <Field {...field} keyword="RequestedProcedureDescription" label={t("description")} />
      <SimpleGrid cols={2} spacing="sm">
        <Field {...field} keyword="AccessionNumber" label={t("accession")} placeholder={made} />
        <Field {...field} keyword="RequestedProcedureID" label={t("procedure-id")} placeholder={made} />
        <Field {...field} keyword="ReferringPhysicianName" label={t("referring")} />
        <Choice
          {...field}
          keyword="RequestedProcedurePriority"
          label={t("priority")}
          words="priority"
          values={["STAT", "HIGH", "ROUTINE", "MEDIUM", "LOW"]}
        />
      </SimpleGrid>
      <Field {...field} keyword="ReasonForTheRequestedProcedure" label={t("reason")} />
      {steps.map((step, at) => (
        <StepFields
          // A step has no name of its own before it is saved, and none is moved.
          key={at}
          number={at + 1}
          step={step}
          onChange={(changed) => setSteps(steps.map((each, other) => (other === at ? changed : each)))}
          {...(steps.length > 1 ? { onRemove: () => setSteps(steps.filter((each) => each !== step)) } : {})}
        />
      ))}
    </DrawerForm>
  );
}

interface StepProps {
  number: number;
  step: Attributes;
  onChange: (step: Attributes) => void;
  onRemove?: () => void;
}

function StepFields({ number, step, onChange, onRemove }: StepProps) {
  const { t } = useTranslation("worklist");
  const stations = useStations();
  const list = useId();
  const field = {
    of: step,
    set: (keyword: string, value: string) => onChange({ ...step, [keyword]: value }),
  };
  return (
    <Stack gap="sm" role="group" aria-label={t("group.step", { number })}>
      <Group justify="space-between">
        <Title order={3}>{t("group.step", { number })}</Title>
        {onRemove && (
          <Button size="compact-xs" variant="subtle" color="red" onClick={onRemove}>
            {t("step.remove")}
          </Button>
        )}
      </Group>
      <SimpleGrid cols={2} spacing="sm">
        <DateField {...field} keyword="ScheduledProcedureStepStartDate" label={t("date")} isRequired />
        <TextInput
          type="time"
          label={t("time")}
          required
          value={toTimeField(text(step, "ScheduledProcedureStepStartTime"))}
          onChange={(event) =>
            field.set("ScheduledProcedureStepStartTime", fromTimeField(event.currentTarget.value))
          }
        />
        <Field {...field} keyword="ScheduledStationAETitle" label={t("ae")} isRequired list={list} />
        <datalist id={list}>
          {stations.map((station) => (
            <option key={station} value={station} />
          ))}
        </datalist>
        <Select
          label={t("modality")}
          required
          searchable
          data={[...new Set([...MODALITIES, text(step, "Modality")])].filter(Boolean)}
          value={text(step, "Modality") || null}
          onChange={(value) => field.set("Modality", value ?? "")}
        />
        <Field {...field} keyword="ScheduledPerformingPhysicianName" label={t("performing")} />
        <Field {...field} keyword="ScheduledProcedureStepLocation" label={t("location")} />
      </SimpleGrid>
      <Field {...field} keyword="ScheduledProcedureStepDescription" label={t("step.description")} />
    </Stack>
  );
}

function Field({ of, keyword, label, set, isRequired = false, hint, placeholder, list }: FieldProps) {
  return (
    <TextInput
      label={label}
      description={hint}
      placeholder={placeholder}
      list={list}
      required={isRequired}
      value={text(of, keyword)}
      onChange={(event) => set(keyword, event.currentTarget.value)}
    />
  );
}

function DateField({ of, keyword, label, set, isRequired = false }: FieldProps) {
  return (
    <TextInput
      type="date"
      label={label}
      required={isRequired}
      value={toField(text(of, keyword))}
      onChange={(event) => set(keyword, fromField(event.currentTarget.value))}
    />
  );
}

function Choice({
  of,
  keyword,
  label,
  set,
  words,
  values,
}: FieldProps & { words: string; values: string[] }) {
  const { t } = useTranslation("worklist");
  const value = text(of, keyword);
  const known = values.map((each) => ({ value: each, label: t(`${words}.${each}`) }));
  return (
    <Select
      label={label}
      clearable
      data={value && !values.includes(value) ? [...known, { value, label: value }] : known}
      value={value || null}
      onChange={(chosen) => set(keyword, chosen ?? "")}
    />
  );
}
