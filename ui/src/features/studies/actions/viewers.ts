/** Where studies and patients are opened. */
import { viewerAddress } from "@/viewer/address";

/** Leave for the built-in viewer, a page of its own, with one study or several beside each other. */
export function openViewer(studies: readonly string[]): void {
  location.assign(new URL(viewerAddress(studies), document.baseURI));
}

/** The address of the page of a patient. */
export function addressOfPatient(patientId: string): string {
  return `/studies/patient/${encodeURIComponent(patientId)}`;
}
