import "./texts";

import { IconUpload } from "@tabler/icons-react";
import { lazy, Suspense, useRef, useState, useSyncExternalStore } from "react";
import type { DragEvent, ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { useMay } from "@/app/session";

import { entriesOf } from "./files";
import { uploads } from "./queue";
import styles from "./UploadArea.module.css";

const UploadPanel = lazy(() => import("./UploadPanel"));

/** Asks before the page is left while files are on their way. */
const warn = (event: BeforeUnloadEvent) => event.preventDefault();
uploads.subscribe(() => {
  if (uploads.snapshot().isRunning) window.addEventListener("beforeunload", warn);
  else window.removeEventListener("beforeunload", warn);
});

/** Whatever is dropped onto its children is stored. */
export function UploadArea({ children }: { children: ReactNode }) {
  const { t } = useTranslation("upload");
  const mayStore = useMay("operator");
  const [isOver, setOver] = useState(false);
  // Each child that the pointer crosses says that it enters and leaves: only the sum tells.
  const depth = useRef(0);
  const hasUploads = useSyncExternalStore(uploads.subscribe, () => uploads.snapshot().all > 0);
  if (!mayStore) return children;

  const holdsFiles = (event: DragEvent) => event.dataTransfer.types.includes("Files");
  const moved = (by: number) => (event: DragEvent) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    depth.current = Math.max(0, depth.current + by);
    setOver(depth.current > 0);
  };
  const drop = (event: DragEvent) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    depth.current = 0;
    setOver(false);
    void entriesOf(event.dataTransfer).then((found) => uploads.add(found));
  };
  return (
    <div
      onDragEnter={moved(1)}
      onDragLeave={moved(-1)}
      onDragOver={(event) => {
        if (holdsFiles(event)) event.preventDefault();
      }}
      onDrop={drop}
    >
      {children}
      {isOver && (
        <div className={styles.over}>
          <IconUpload size={40} stroke={1.3} />
          {t("drop")}
        </div>
      )}
      {hasUploads && (
        <Suspense>
          <UploadPanel />
        </Suspense>
      )}
    </div>
  );
}
