import { addressOf } from "@/api/client";

/** Fetch each study as a zip file, as the browser fetches what is linked to. */
export function downloadZips(studies: readonly string[]): void {
  studies.forEach((study, at) => {
    // One after the other: a browser drops all but the last of several that begin at once.
    setTimeout(() => {
      const link = document.createElement("a");
      link.href = addressOf(`dicomweb/studies/${study}`, { accept: "application/zip", dicomdir: "yes" }).href;
      link.download = `${study}.zip`;
      link.click();
    }, at * 600);
  });
}
