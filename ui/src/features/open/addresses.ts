/** Where studies open, as addresses relative to the pages' base. */
import { addressOf } from "@/api/client";
import { viewerAddress } from "@/viewer/address";

export { viewerAddress };

/** OHIF with these studies; `protocol` is one of its ways of hanging. */
export function ohifAddress(studies: readonly string[], protocol?: string): string {
  const query: Record<string, string> = { StudyInstanceUIDs: studies.join(",") };
  if (protocol) query.hangingProtocolId = protocol;
  return addressOf("ohif/viewer", query).href;
}
