import { Group, SegmentedControl, Select } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { columns } from "./columns";

interface Props {
  /** A column's name, `-` before it where it descends. */
  order: string;
  onOrder: (order: string) => void;
}

/** What the list is sorted by, and which way. */
export default function OrderForm({ order, onOrder }: Props) {
  const { t } = useTranslation("studies");
  const way = order.startsWith("-") ? "-" : "";
  const name = order.slice(way.length);
  return (
    <Group gap="sm" mt="sm" align="flex-end" wrap="nowrap">
      <Select
        flex={1}
        label={t("sort.label")}
        allowDeselect={false}
        comboboxProps={{ withinPortal: false }}
        data={columns.map((column) => ({ value: column.name, label: t(`col.${column.name}`) }))}
        value={name}
        onChange={(chosen) => onOrder(`${way}${chosen ?? name}`)}
      />
      <SegmentedControl
        size="sm"
        aria-label={t("sort.way")}
        data={[
          { value: "", label: t("sort.up") },
          { value: "-", label: t("sort.down") },
        ]}
        value={way}
        onChange={(chosen) => onOrder(`${chosen}${name}`)}
      />
    </Group>
  );
}
