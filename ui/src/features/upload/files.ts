/** Files out of what was dropped or chosen: folders are walked through, what systems leave in them is passed over. */

/** What is never an image: leftovers of file systems, and the index of a medium, whose files come by themselves. */
const PASSED_OVER = /^(\..*|Thumbs\.db|desktop\.ini|DICOMDIR)$/i;

export interface Found {
  /** With the folders it stood in. */
  path: string;
  file: File;
}

/** Whether a file is sent as a zip file, to be unpacked by the server. */
export function isZip(file: File): boolean {
  return /\.zip$/i.test(file.name);
}

/** Return the files of a drop. Call it in the event itself: afterwards the browser gives nothing out any more. */
export function entriesOf(data: DataTransfer): Promise<Found[]> {
  const entries: FileSystemEntry[] = [];
  const files: File[] = [];
  for (const item of data.items) {
    if (item.kind !== "file") continue;
    const entry = item.webkitGetAsEntry();
    // What comes out of another program is in no folder.
    const file = entry ? null : item.getAsFile();
    if (entry) entries.push(entry);
    if (file) files.push(file);
  }
  return walkAll(entries).then((found) => [...found, ...filesOf(files)]);
}

/** Return the files that were chosen in a dialog. */
export function filesOf(list: Iterable<File>): Found[] {
  return [...list]
    .map((file) => ({ path: file.webkitRelativePath || file.name, file }))
    .filter(({ file }) => !PASSED_OVER.test(file.name));
}

async function walkAll(entries: readonly FileSystemEntry[]): Promise<Found[]> {
  const found: Found[] = [];
  for (const entry of entries) {
    if (PASSED_OVER.test(entry.name)) continue;
    if (entry.isDirectory)
      found.push(...(await walkAll(await childrenOf(entry as FileSystemDirectoryEntry))));
    else {
      const file = await new Promise<File>((resolve, reject) =>
        (entry as FileSystemFileEntry).file(resolve, reject),
      );
      found.push({ path: entry.fullPath.replace(/^\//, ""), file });
    }
  }
  return found;
}

async function childrenOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const children: FileSystemEntry[] = [];
  // A reader gives a hundred at a time, and none at the end.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return children;
    children.push(...some);
  }
}
