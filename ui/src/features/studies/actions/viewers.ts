/** Where studies are opened. */

/** The address of the built-in viewer with one study or several beside each other. */
export function addressOfViewer(studies: readonly string[]): string {
  const [first = "", ...others] = studies;
  const compared = others.length
    ? `?${new URLSearchParams(others.map((each) => ["compare", each])).toString()}`
    : "";
  return `/viewer/${first}${compared}`;
}

/** The address of the page of a patient. */
export function addressOfPatient(patientId: string): string {
  return `/studies/patient/${encodeURIComponent(patientId)}`;
}
