/** Where studies and patients are opened. */
import { viewerAddress } from "@/viewer/address";

/** Leave for the built-in viewer, a page of its own, with one study or several beside each other. */
export function openViewer(studies: readonly string[]): void {
  location.assign(new URL(viewerAddress(studies), document.baseURI));
}

/** The address of the page of a patient. Encoded twice: the router undoes the outer one, of all but `/?#` and others. */
export function addressOfPatient(patientId: string): string {
  return `/studies/patient/${encodeURIComponent(encodeURIComponent(patientId))}`;
}

/** Read the patient of such an address, as the router gives it. */
export function patientOf(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}
