import { Badge, Group } from "@mantine/core";

/** Modalities as small plates: three, and how many more. */
export function Modalities({ codes = [] }: { codes?: readonly string[] | undefined }) {
  const shown = codes.length > 3 ? codes.slice(0, 2) : codes;
  return (
    <Group gap={3} wrap="nowrap" component="span">
      {shown.map((code) => (
        <Badge key={code} size="sm" variant="default" radius="sm" px={5} fw={600}>
          {code}
        </Badge>
      ))}
      {shown.length < codes.length && <small>+{codes.length - shown.length}</small>}
    </Group>
  );
}
