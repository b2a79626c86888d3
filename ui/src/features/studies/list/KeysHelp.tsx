import { Group, Kbd, Table } from "@mantine/core";
import { modals } from "@mantine/modals";
import type { TFunction } from "i18next";

const KEYS = [
  ["/", "search"],
  ["↑ ↓", "move"],
  ["PgUp PgDn", "page"],
  ["Home End", "ends"],
  ["Enter", "open"],
  ["→", "look"],
  ["Space", "select"],
  ["Ctrl+A", "all"],
  ["Esc", "leave"],
  ["?", "help"],
] as const;

/** Show what keys do in the list. */
export function showKeys(t: TFunction<"studies">): void {
  modals.open({
    modalId: "keys",
    title: t("keys.title"),
    children: (
      <Table verticalSpacing={6}>
        <Table.Tbody>
          {KEYS.map(([keys, does]) => (
            <Table.Tr key={does}>
              <Table.Td>
                <Group gap={4}>
                  {keys.split(" ").map((key) => (
                    <Kbd key={key}>{key}</Kbd>
                  ))}
                </Group>
              </Table.Td>
              <Table.Td>{t(`keys.${does}`)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    ),
  });
}
