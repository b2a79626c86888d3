/**
 * What the reader has chosen: language, colours, columns. The server keeps it for each user, so it is the same in every
 * browser; where login is off, or nobody has logged in yet, this browser keeps it.
 */
import { ask } from "@/api/client";
import type { Schemas } from "@/api/call";

type Told = Schemas["PreferencesView"];
export type Chosen = Partial<Omit<Told, "is_kept">>;

export interface Preferences {
  /** Whether the server keeps them. */
  isKept: boolean;
  chosen: Chosen;
}

const PATH = "api/session/preferences";
/** Where this browser keeps what nothing else of the pages does. */
const KEPT_HERE = {
  study_columns: "calotype.studies.columns",
  first_steps_done: "calotype.first-run.done",
} as const;

/** What was chosen before anybody had logged in: it is told of whoever does. */
let untold: Chosen = {};

export const askPreferences = () => ask<Told>(PATH);

/** Return what is chosen, after having told the server what was chosen before anybody had logged in. */
export async function withUntold(told: Told): Promise<Preferences> {
  if (told.is_kept && Object.keys(untold).length > 0) {
    told = await ask<Told>(PATH, { method: "PATCH", json: untold });
    untold = {};
  }
  const { is_kept: isKept, ...chosen } = told;
  // For what begins before the server has answered.
  if (chosen.first_steps_done) keepHere({ first_steps_done: true });
  return { isKept, chosen: over(chosenHere(), chosen) };
}

/** Keep a choice, where there is anybody to keep it for. Throws `Problem`. */
export async function keep(choice: Chosen, known: Preferences | null): Promise<void> {
  if (!known) untold = { ...untold, ...choice };
  else if (known.isKept) await ask(PATH, { method: "PATCH", json: choice });
  else keepHere(choice);
}

/** Return choices with later ones in their place; what is `null` there is none. */
export function over(first: Chosen, later: Chosen): Chosen {
  const made = Object.entries(later).filter(([, value]) => value !== null);
  return { ...first, ...(Object.fromEntries(made) as Chosen) };
}

/** Tell, without asking the server, whether the guide of the first day was put away in this browser. */
export const firstStepsAreDone = () => localStorage.getItem(KEPT_HERE.first_steps_done) !== null;

function chosenHere(): Chosen {
  const chosen: Chosen = {};
  const columns = parsed(localStorage.getItem(KEPT_HERE.study_columns));
  if (Array.isArray(columns)) chosen.study_columns = columns.filter((each) => typeof each === "string");
  if (firstStepsAreDone()) chosen.first_steps_done = true;
  return chosen;
}

function keepHere(choice: Chosen): void {
  for (const [name, key] of Object.entries(KEPT_HERE)) {
    const value = choice[name as keyof typeof KEPT_HERE];
    if (value !== undefined && value !== null) localStorage.setItem(key, JSON.stringify(value));
  }
}

function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}
