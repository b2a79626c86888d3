/**
 * Two languages, complete by type: each feature keeps its texts beside it, and TypeScript refuses a key that one of
 * the languages lacks.
 */
import i18next from "i18next";
import { initReactI18next } from "react-i18next";

import { wordProblems } from "@/api/client";
import { texts as app } from "@/app/texts";

import { learnWords, worded } from "./said";

export const languages = { "zh-CN": "中文", en: "English" } as const;
export type Language = keyof typeof languages;

/** The texts of one feature, by language: the same keys in both. */
export interface Texts<Keys extends string> {
  en: Record<Keys, string>;
  "zh-CN": Record<Keys, string>;
}

const KEPT = "calotype.language";

function preferred(): Language {
  const kept = localStorage.getItem(KEPT);
  if (kept && kept in languages) return kept as Language;
  return navigator.languages.some((each) => each.toLowerCase().startsWith("zh")) ? "zh-CN" : "en";
}

const early: (() => void)[] = [];

/** Make the texts of a feature known under its name. Called where the feature is imported, be it before the start. */
export function addTexts<Keys extends string>(feature: string, texts: Texts<Keys>): void {
  if (!i18next.isInitialized) {
    early.push(() => addTexts(feature, texts));
    return;
  }
  for (const language of Object.keys(languages) as Language[]) {
    i18next.addResourceBundle(language, feature, texts[language], true, true);
  }
}

export async function startTranslation(): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: preferred(),
    fallbackLng: "en",
    defaultNS: "app",
    interpolation: { escapeValue: false }, // React escapes
    resources: {},
    initAsync: false,
  });
  wordProblems(({ status, said, detail, title }) =>
    status === 0 ? i18next.t("state.lost") : worded(said, detail ?? title),
  );
  // Nothing that is shown at first waits for them.
  void learnWords(i18next.language);
  addTexts("app", app);
  for (const add of early.splice(0)) add();
  document.documentElement.lang = i18next.language;
}

export async function chooseLanguage(language: Language): Promise<void> {
  localStorage.setItem(KEPT, language);
  await learnWords(language);
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}
