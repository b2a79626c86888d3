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
