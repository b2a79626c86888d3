/**
 * What the study list shows, as its address says it: filters, order, the study that is looked at. The address is the
 * only place where this is kept, so a link, a reload and "back" show the same list.
 */
import { datesOf } from "./dates";

/** Filters by the name of their parameter in the address. Texts are as typed: `wang` finds all that holds it. */
export interface Filters {
  q: string;
  PatientID: string;
  PatientName: string;
  AccessionNumber: string;
  ModalitiesInStudy: readonly string[];
  StudyDate: string;
  StudyDescription: string;
  label: readonly string[];
  remark: string;
}

export interface ListState {
  filters: Filters;
  order: string;
  /** Study Instance UID of the study in the panel. */
  study: string;
}

export const DEFAULT_ORDER = "-StudyDate";

export const NO_FILTERS: Filters = {
  q: "",
  PatientID: "",
  PatientName: "",
  AccessionNumber: "",
  ModalitiesInStudy: [],
  StudyDate: "",
  StudyDescription: "",
  label: [],
  remark: "",
};

export type FilterName = keyof Filters;
const NAMES = Object.keys(NO_FILTERS) as FilterName[];
/** The filters beside the box for everything. */
export const FILTERS = NAMES.filter((name) => name !== "q");

/** Read the query part of an address; what is not understood is passed over. */
export function readState(params: URLSearchParams): ListState {
  const text = (name: string) => params.get(name)?.slice(0, 256) ?? "";
  return {
    filters: {
      q: text("q"),
      PatientID: text("PatientID"),
      PatientName: text("PatientName"),
      AccessionNumber: text("AccessionNumber"),
      ModalitiesInStudy: params.getAll("ModalitiesInStudy"),
      StudyDate: text("StudyDate"),
      StudyDescription: text("StudyDescription"),
      label: params.getAll("label"),
      remark: text("remark"),
    },
    order: params.get("order") ?? DEFAULT_ORDER,
    study: text("study"),
  };
}

/** Write a state as the query part of an address, without what is as it always is. */
export function writeState({ filters, order, study }: ListState): URLSearchParams {
  const params = new URLSearchParams();
  for (const name of NAMES) {
    const value = filters[name];
    if (typeof value === "string") {
      if (value) params.set(name, value);
    } else for (const each of value) params.append(name, each);
  }
  if (order !== DEFAULT_ORDER) params.set("order", order);
  if (study) params.set("study", study);
  return params;
}

/**
 * Tell whether "back" leads from one state to the other: a study was opened, another order or filter chosen, a search
 * begun. What is typed further, and which study is looked at then, takes the place of what was.
 */
export function isStep(before: ListState, after: ListState): boolean {
  if (before.order !== after.order) return true;
  if (after.study && !before.study) return true;
  return NAMES.some((name) => {
    const [was, is] = [before.filters[name], after.filters[name]];
    const isTyped = typeof is === "string" && name !== "StudyDate";
    return isTyped ? was === "" && is !== "" : JSON.stringify(was) !== JSON.stringify(is);
  });
}

/** Return how many filters are set, the box for everything aside. */
export function countFilters(filters: Filters): number {
  return FILTERS.filter((name) => filters[name].length > 0).length;
}

/** What people type begins the value for IDs and is anywhere in texts, unless they write wild cards themselves. */
const WILD: Partial<Record<FilterName, (text: string) => string>> = {
  PatientID: (text) => `${text}*`,
  AccessionNumber: (text) => `${text}*`,
  StudyDescription: (text) => `*${text}*`,
};

/** Write filters as the server's list takes them; date presets become days counted from `today`. */
export function askedBy(filters: Filters, today: Date): Record<string, string | readonly string[]> {
  const asked: Record<string, string | readonly string[]> = {};
  for (const name of NAMES) {
    const value = filters[name];
    if (typeof value !== "string") {
      if (value.length) asked[name] = name === "ModalitiesInStudy" ? value.join(",") : value;
      continue;
    }
    const text = value.trim();
    if (!text) continue;
    const wild = WILD[name];
    asked[name] = wild && !/[*?]/.test(text) ? wild(text) : text;
  }
  if (filters.StudyDate) asked.StudyDate = datesOf(filters.StudyDate, today);
  // Parts of names, in any order, and by pinyin.
  if (filters.PatientName.trim()) asked.fuzzymatching = "true";
  return asked;
}

/** The order after a click on a column's head: ascending, descending, and what holds without a wish. */
export function nextOrder(order: string, keyword: string): string {
  if (keyword === "StudyDate") return order === "-StudyDate" ? "StudyDate" : "-StudyDate";
  if (order === keyword) return `-${keyword}`;
  return order === `-${keyword}` ? DEFAULT_ORDER : keyword;
}
