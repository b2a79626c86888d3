/** The address of the viewer: `viewer/<study>`, others for comparison as `?compare=`, a series to begin with as `?series=`. */

export interface Opened {
  studies: readonly string[];
  series: string | undefined;
}

const PLACE = "viewer/";

/** Return the address, relative to the pages' base. */
export function viewerAddress(studies: readonly string[], series?: string): string {
  const [first = "", ...others] = studies;
  const query = new URLSearchParams(others.map((study) => ["compare", study]));
  if (series) query.set("series", series);
  const asked = query.toString();
  return `${PLACE}${encodeURIComponent(first)}${asked ? `?${asked}` : ""}`;
}

/** Read what an address opens. */
export function readAddress(address: URL, base: URL): Opened {
  const path = address.pathname.slice(base.pathname.length);
  const first = path.startsWith(PLACE)
    ? decodeURIComponent(path.slice(PLACE.length).split("/")[0] ?? "")
    : "";
  const studies = [first, ...address.searchParams.getAll("compare")].filter(Boolean);
  return { studies: [...new Set(studies)], series: address.searchParams.get("series") ?? undefined };
}
