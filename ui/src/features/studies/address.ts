/** Addresses of the list's pages. Apart from what shows them, since the first one is asked for before that is there. */
import { addressOf } from "@/api/client";

import { askedBy } from "./state";
import type { Filters } from "./state";

/** Rows that are fetched at one time. */
export const PAGE = 100;

/** Keywords that pages show beside those that the list always has. */
export const ALSO = "PatientBirthDate,PatientSex,ReferringPhysicianName,StudyID";

/** What one page of the list is asked for by. */
export function pageQueryOf(filters: Filters, order: string, page: number) {
  return {
    ...askedBy(filters, new Date()),
    order,
    includefield: ALSO,
    limit: PAGE,
    offset: page * PAGE,
  };
}

/** Return the address of the first page. */
export function firstPage(filters: Filters, order: string): URL {
  return addressOf("api/studies", pageQueryOf(filters, order, 0));
}
