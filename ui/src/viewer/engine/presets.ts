/** Windows that readers know by name, by modality; keys 1 to 9 take them in this order. */

export interface Window {
  name: string;
  center: number;
  width: number;
}

const CT: readonly Window[] = [
  { name: "abdomen", center: 40, width: 400 },
  { name: "lung", center: -600, width: 1500 },
  { name: "bone", center: 500, width: 2000 },
  { name: "brain", center: 40, width: 80 },
  { name: "liver", center: 80, width: 150 },
  { name: "mediastinum", center: 50, width: 350 },
  { name: "angio", center: 300, width: 600 },
  { name: "stroke", center: 32, width: 32 },
  { name: "temporal", center: 600, width: 2800 },
];

/** The windows of a modality; others than CT have values of no fixed meaning, and their own window only. */
export const windowsOf = (modality: string): readonly Window[] => (modality === "CT" ? CT : []);

export interface Rendering {
  /** Cornerstone's name of it. */
  name: string;
  modality: "CT" | "MR";
}

export const renderings: readonly Rendering[] = [
  { name: "CT-Bone", modality: "CT" },
  { name: "CT-Soft-Tissue", modality: "CT" },
  { name: "CT-Muscle", modality: "CT" },
  { name: "CT-Lung", modality: "CT" },
  { name: "CT-Cardiac3", modality: "CT" },
  { name: "CT-Chest-Contrast-Enhanced", modality: "CT" },
  { name: "CT-Coronary-Arteries-3", modality: "CT" },
  { name: "CT-Pulmonary-Arteries", modality: "CT" },
  { name: "CT-Liver-Vasculature", modality: "CT" },
  { name: "CT-Fat", modality: "CT" },
  { name: "CT-MIP", modality: "CT" },
  { name: "MR-Default", modality: "MR" },
  { name: "MR-Angio", modality: "MR" },
  { name: "MR-T2-Brain", modality: "MR" },
  { name: "MR-MIP", modality: "MR" },
];

export function renderingOf(chosen: string, modality: string): string {
  if (renderings.some((each) => each.name === chosen)) return chosen;
  return modality === "CT" ? "CT-Bone" : "MR-Default";
}
