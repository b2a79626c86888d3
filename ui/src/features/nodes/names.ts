/** Names of UIDs and terms that people choose from; any other can be typed as it is. */

export const SYNTAXES: Readonly<Record<string, string>> = {
  "1.2.840.10008.1.2": "Implicit VR Little Endian",
  "1.2.840.10008.1.2.1": "Explicit VR Little Endian",
  "1.2.840.10008.1.2.1.99": "Deflated Explicit VR Little Endian",
  "1.2.840.10008.1.2.5": "RLE Lossless",
  "1.2.840.10008.1.2.4.50": "JPEG Baseline",
  "1.2.840.10008.1.2.4.51": "JPEG Extended",
  "1.2.840.10008.1.2.4.57": "JPEG Lossless (14)",
  "1.2.840.10008.1.2.4.70": "JPEG Lossless (14, SV1)",
  "1.2.840.10008.1.2.4.80": "JPEG-LS Lossless",
  "1.2.840.10008.1.2.4.81": "JPEG-LS Near-Lossless",
  "1.2.840.10008.1.2.4.90": "JPEG 2000 Lossless",
  "1.2.840.10008.1.2.4.91": "JPEG 2000",
  "1.2.840.10008.1.2.4.110": "JPEG XL Lossless",
  "1.2.840.10008.1.2.4.201": "HTJ2K Lossless",
  "1.2.840.10008.1.2.4.202": "HTJ2K Lossless RPCL",
  "1.2.840.10008.1.2.4.203": "HTJ2K",
};

export const CHARACTER_SETS: Readonly<Record<string, string>> = {
  "ISO_IR 192": "UTF-8",
  GB18030: "GB18030",
  GBK: "GBK",
  "ISO_IR 100": "Latin-1",
  "ISO_IR 13": "JIS X 0201",
  "\\ISO 2022 IR 58": "GB2312 (ISO 2022)",
  "\\ISO 2022 IR 149": "KS X 1001 (ISO 2022)",
  "\\ISO 2022 IR 87": "JIS X 0208 (ISO 2022)",
};
