import "./texts";

import { Chip, Group, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

import { useEcho } from "./api";
import type { KnownNode } from "./api";

interface Props {
  label: string;
  nodes: readonly KnownNode[];
  chosen: readonly string[];
  onChoose: (chosen: string[]) => void;
  allLabel?: string;
}

/** Nodes to be chosen, one or several; what is known of whether they answer is shown with them. */
export function NodePicker({ label, nodes, chosen, onChoose, allLabel }: Props) {
  const names = nodes.map((node) => node.ae_title);
  const areAll = names.length > 0 && names.every((name) => chosen.includes(name));
  return (
    <div role="group" aria-label={label}>
      <Text size="sm" fw={500} mb={6}>
        {label}
      </Text>
      <Group gap={6}>
        {allLabel && names.length > 1 && (
          <Chip size="sm" variant="outline" checked={areAll} onChange={() => onChoose(areAll ? [] : names)}>
            {allLabel}
          </Chip>
        )}
        <Chip.Group multiple value={[...chosen]} onChange={onChoose}>
          {nodes.map((node) => (
            <NodeChip key={node.ae_title} node={node} />
          ))}
        </Chip.Group>
      </Group>
    </div>
  );
}

function NodeChip({ node }: { node: KnownNode }) {
  const { t } = useTranslation("nodes");
  const { data } = useEcho(node.ae_title);
  const isAway = data && data.verdict !== "answers";
  return (
    <Chip
      size="sm"
      variant="outline"
      value={node.ae_title}
      title={[node.note, data && t(`verdict.${data.verdict}`)].filter(Boolean).join(" · ")}
    >
      {node.ae_title}
      {isAway && ` · ${t(`verdict.${data.verdict}`)}`}
    </Chip>
  );
}
