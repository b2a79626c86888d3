/** The question as people enter it, as it stands in the address bar, and as nodes are asked. */

export interface Question {
  name: string;
  id: string;
  accession: string;
  description: string;
  modalities: string[];
  from: string;
  to: string;
}

export const EMPTY: Question = {
  name: "",
  id: "",
  accession: "",
  description: "",
  modalities: [],
  from: "",
  to: "",
};

const TEXTS = ["name", "id", "accession", "description", "from", "to"] as const;

export function toParams(question: Question, nodes: readonly string[]): URLSearchParams {
  const params = new URLSearchParams();
  for (const node of nodes) params.append("node", node);
  for (const field of TEXTS) if (question[field]) params.set(field, question[field]);
  for (const modality of question.modalities) params.append("modality", modality);
  return params;
}

export function fromParams(params: URLSearchParams): { question: Question; nodes: string[] } {
  const question = { ...EMPTY, modalities: params.getAll("modality") };
  for (const field of TEXTS) question[field] = params.get(field) ?? "";
  return { question, nodes: params.getAll("node") };
}

const WILD = /[*?]/;

/** Names and descriptions match from their beginning unless a wildcard says otherwise; IDs match as they are. */
export function toKeys(question: Question): Record<string, string> {
  const begins = (text: string) => (text && !WILD.test(text) ? `${text}*` : text);
  const day = (date: string) => date.replaceAll("-", "");
  const [from, to] = [day(question.from), day(question.to)];
  const keys = {
    PatientName: begins(question.name.trim()),
    PatientID: question.id.trim(),
    AccessionNumber: question.accession.trim(),
    StudyDescription: begins(question.description.trim()),
    ModalitiesInStudy: question.modalities.join("\\"),
    StudyDate: from && from === to ? from : from || to ? `${from}-${to}` : "",
  };
  return Object.fromEntries(Object.entries(keys).filter(([, value]) => value));
}

const KEPT_IN = "calotype.query.nodes";

/** Return whom this browser asked last, of those that there are; the first of them when it was nobody. */
export function askedLast(names: readonly string[]): string[] {
  const kept = (localStorage.getItem(KEPT_IN) ?? "").split("\\");
  const still = names.filter((name) => kept.includes(name));
  return still.length > 0 ? still : names.slice(0, 1);
}

/** Keep whom somebody asks, for the next time. AE titles hold no backslash. */
export const keepAsked = (names: readonly string[]) => localStorage.setItem(KEPT_IN, names.join("\\"));
