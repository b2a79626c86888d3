import {
  Accordion,
  Checkbox,
  Chip,
  Group,
  MultiSelect,
  NumberInput,
  Select,
  Stack,
  TagsInput,
  Text,
  TextInput,
} from "@mantine/core";
import type { UseFormReturnType } from "@mantine/form";
import { useTranslation } from "react-i18next";

import { RIGHTS, ROLES, useNodes } from "./api";
import { CHARACTER_SETS, SYNTAXES } from "./names";
import type { Node } from "./api";

interface Props {
  form: UseFormReturnType<Node>;
  isNew: boolean;
  isReadOnly: boolean;
}

/** Everything that a node can be told: what everybody needs first, the rest folded away. */
export function NodeFields({ form, isNew, isReadOnly }: Props) {
  const { t } = useTranslation("nodes");
  return (
    <fieldset disabled={isReadOnly} style={{ border: 0, padding: 0, margin: 0, minWidth: 0 }}>
      <Stack gap="sm">
        <TextInput
          label={t("ae-title")}
          required
          maxLength={16}
          readOnly={!isNew}
          data-autofocus={isNew || undefined}
          {...form.getInputProps("ae_title")}
        />
        <Group gap="sm" grow preventGrowOverflow={false} wrap="nowrap" align="end">
          <TextInput label={t("host")} required flex={1} {...form.getInputProps("host")} />
          <NumberInput
            label={t("port")}
            required
            w={110}
            flex="0 0 110px"
            min={1}
            max={65535}
            allowDecimal={false}
            hideControls
            {...form.getInputProps("port")}
          />
        </Group>
        <TextInput label={t("note")} maxLength={1000} {...form.getInputProps("note")} />
        <Choices form={form} path="roles" label={t("group.roles")} every={ROLES} words="role" />
        <Accordion variant="separated" multiple defaultValue={[]} mt="xs">
          <Rights form={form} />
          <Transfer form={form} />
          <Tls form={form} />
          <Timeouts form={form} />
        </Accordion>
      </Stack>
    </fieldset>
  );
}

type Form = Pick<Props, "form">;

interface ChoicesProps extends Form {
  path: string;
  label: string;
  every: readonly string[];
  words: string;
}

function Choices({ form, path, label, every, words }: ChoicesProps) {
  const { t } = useTranslation("nodes");
  return (
    <div role="group" aria-label={label}>
      <Text size="sm" fw={500} mb={6}>
        {label}
      </Text>
      <Chip.Group multiple {...form.getInputProps(path)}>
        <Group gap={6}>
          {every.map((each) => (
            <Chip key={each} value={each} size="xs" variant="outline">
              {t(`${words}.${each}`)}
            </Chip>
          ))}
        </Group>
      </Chip.Group>
    </div>
  );
}

function Rights({ form }: Form) {
  const { t } = useTranslation("nodes");
  const { data: nodes = [] } = useNodes();
  const { destinations } = form.values.permissions;
  return (
    <Section name="rights">
      <Choices
        form={form}
        path="permissions.rights"
        label={t("group.rights.hint")}
        every={RIGHTS}
        words="right"
      />
      <MultiSelect
        label={t("destinations")}
        placeholder={destinations?.length ? "" : t("destinations.all")}
        data={nodes.map((node) => node.ae_title)}
        searchable
        clearable
        value={destinations ?? []}
        onChange={(chosen) => form.setFieldValue("permissions.destinations", chosen.length ? chosen : null)}
      />
      <Checkbox
        label={t("bound")}
        {...form.getInputProps("permissions.bound_to_host", { type: "checkbox" })}
      />
    </Section>
  );
}

function Transfer({ form }: Form) {
  const { t } = useTranslation("nodes");
  const syntaxes = (["transfer_syntaxes", "incoming_transfer_syntaxes"] as const).map((path, at) => (
    <TagsInput
      key={path}
      label={t(at === 0 ? "syntaxes" : "incoming")}
      description={t("syntaxes.hint")}
      data={Object.keys(SYNTAXES)}
      renderOption={({ option }) => SYNTAXES[option.value] ?? option.value}
      clearable
      {...form.getInputProps(path)}
    />
  ));
  const terms = new Set([...Object.keys(CHARACTER_SETS), form.values.character_set].filter(Boolean));
  return (
    <Section name="transfer">
      {syntaxes}
      <Select
        label={t("charset")}
        placeholder={t("charset.none")}
        data={[...terms].map((value) => ({ value, label: CHARACTER_SETS[value] ?? value }))}
        clearable
        value={form.values.character_set || null}
        onChange={(value) => form.setFieldValue("character_set", value ?? "")}
      />
      <Checkbox label={t("anonymise")} {...form.getInputProps("anonymise", { type: "checkbox" })} />
    </Section>
  );
}

const NO_TLS = { verify: true, check_hostname: true, ca: "", certificate: "", key: "" };

function Tls({ form }: Form) {
  const { t } = useTranslation("nodes");
  const { tls } = form.values;
  return (
    <Section name="tls">
      <Checkbox
        label={t("tls")}
        checked={tls !== null}
        onChange={(event) => form.setFieldValue("tls", event.currentTarget.checked ? NO_TLS : null)}
      />
      {tls && (
        <>
          <Checkbox label={t("tls.verify")} {...form.getInputProps("tls.verify", { type: "checkbox" })} />
          <Checkbox
            label={t("tls.hostname")}
            {...form.getInputProps("tls.check_hostname", { type: "checkbox" })}
          />
          <TextInput label={t("tls.ca")} placeholder={t("tls.system")} {...form.getInputProps("tls.ca")} />
          <TextInput label={t("tls.certificate")} {...form.getInputProps("tls.certificate")} />
          <TextInput label={t("tls.key")} {...form.getInputProps("tls.key")} />
        </>
      )}
    </Section>
  );
}

function Timeouts({ form }: Form) {
  const { t } = useTranslation("nodes");
  return (
    <Section name="timeouts">
      {(["connect_s", "dimse_s", "network_s"] as const).map((name) => (
        <NumberInput
          key={name}
          label={t(`timeout.${name}`)}
          placeholder={t("timeout.default")}
          min={0}
          hideControls
          value={form.values.timeouts[name] ?? ""}
          onChange={(value) => form.setFieldValue(`timeouts.${name}`, value === "" ? null : Number(value))}
        />
      ))}
    </Section>
  );
}

function Section({ name, children }: { name: string; children: React.ReactNode }) {
  const { t } = useTranslation("nodes");
  return (
    <Accordion.Item value={name}>
      <Accordion.Control>{t(`group.${name}`)}</Accordion.Control>
      <Accordion.Panel>
        <Stack gap="sm">{children}</Stack>
      </Accordion.Panel>
    </Accordion.Item>
  );
}
