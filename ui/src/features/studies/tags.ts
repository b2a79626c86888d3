/** A header as lines to show and to search: depth first, items of sequences numbered. */
import { showValue } from "./dicom";
import type { Attribute, DataSet } from "./dicom";

export interface TagLine {
  /** Where it stands, unique in the header: `00081140/1/00081150`. */
  path: string;
  depth: number;
  tag: string;
  vr: string;
  keyword: string;
  value: string;
  /** For the head of an item of a sequence: its number. */
  item?: number;
  hasItems: boolean;
}

/** Characters of one value that are shown. */
const MOST = 2000;

export function linesOf(header: DataSet, keywords: Record<string, string>, depth = 0, above = ""): TagLine[] {
  const lines: TagLine[] = [];
  for (const tag of Object.keys(header).sort()) {
    const attribute = header[tag];
    if (!attribute) continue;
    const path = above + tag;
    const items = attribute.vr === "SQ" ? ((attribute.Value ?? []) as DataSet[]) : [];
    lines.push({
      path,
      depth,
      tag,
      vr: attribute.vr,
      keyword: keywordOf(tag, keywords),
      value: attribute.vr === "SQ" ? "" : valueOf(attribute),
      hasItems: items.length > 0,
    });
    items.forEach((item, at) => {
      const inside = `${path}/${at + 1}/`;
      lines.push({
        path: inside,
        depth: depth + 1,
        tag: "",
        vr: "",
        keyword: "",
        value: "",
        item: at + 1,
        hasItems: true,
      });
      lines.push(...linesOf(item, keywords, depth + 2, inside));
    });
  }
  return lines;
}

/** Return the lines that say `text`, with the sequences and items that they stand in; all without a text. */
export function search(lines: readonly TagLine[], text: string): readonly TagLine[] {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return lines;
  const found = lines.filter((line) =>
    [line.tag, showTag(line.tag), line.keyword, line.value].some((each) =>
      each.toLowerCase().includes(wanted),
    ),
  );
  const paths = found.map((line) => line.path);
  return lines.filter((line) =>
    paths.some((path) => path === line.path || path.startsWith(below(line.path))),
  );
}

const below = (path: string) => (path.endsWith("/") ? path : `${path}/`);

/** Write a tag as the Standard does. */
export function showTag(tag: string): string {
  return tag && `(${tag.slice(0, 4)},${tag.slice(4)})`;
}

function keywordOf(tag: string, keywords: Record<string, string>): string {
  const known = keywords[tag];
  if (known) return known;
  // Overlays and curves repeat over groups, under the keywords of the first one.
  return /^(60|50)[0-9A-F]{2}/.test(tag) ? (keywords[`${tag.slice(0, 2)}00${tag.slice(4)}`] ?? "") : "";
}

function valueOf(attribute: Attribute): string {
  if (attribute.BulkDataURI !== undefined) return "…";
  if (attribute.InlineBinary !== undefined) return `${Math.floor((attribute.InlineBinary.length * 3) / 4)} B`;
  const text = (attribute.Value ?? []).map(showValue).join(" \\ ");
  return text.length > MOST ? `${text.slice(0, MOST)}…` : text;
}
