/** A question to the reader, one at a time: words for an arrow. The window shows it, whoever asked hears the answer. */
import { useSyncExternalStore } from "react";

export interface Question {
  /** What is there already; nothing for an arrow that is new. */
  text: string;
  answer: (text: string | undefined) => void;
}

let question: Question | undefined;
const listeners = new Set<() => void>();

function set(next: Question | undefined): void {
  question = next;
  for (const listener of listeners) listener();
}

/** Ask for words; `undefined` where the reader has none. A question that is open already has none, either. */
export function askForWords(text: string): Promise<string | undefined> {
  question?.answer(undefined);
  return new Promise((resolve) => {
    const answer = (given: string | undefined) => {
      set(undefined);
      resolve(given);
    };
    set({ text, answer });
  });
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The question that is open. */
export const getQuestion = (): Question | undefined => question;
export const useQuestion = (): Question | undefined => useSyncExternalStore(subscribe, getQuestion);
