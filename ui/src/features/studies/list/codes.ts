/** Modalities that people look for (PS3.3 C.7.3.1.1.1); any other is found by its code, too. */
// prettier-ignore
export const MODALITIES = [
  "CT", "MR", "DX", "CR", "US", "XA", "MG", "PT", "NM", "RF", "ES", "IO", "PX", "OP", "OPT", "SM", "ECG",
  "SR", "SEG", "PR", "KO", "DOC", "RTSTRUCT", "RTPLAN", "RTDOSE", "RTIMAGE", "OT",
];
