import { expect, test } from "vitest";

import { formOf, isVideo, isVideoSyntax } from "./films";

const cs = (...values: string[]) => ({ vr: "CS", Value: values });
const bytes = (...given: (number | string)[]) =>
  Uint8Array.from(
    given.flatMap((each) => (typeof each === "number" ? [each] : [...new TextEncoder().encode(each)])),
  );

test.each([
  [{ "00280004": cs("YBR_PARTIAL_420") }, true],
  [{ "00280004": cs("YBR_FULL_422"), "00282114": cs("ISO_14496_10") }, true],
  // Once video, and pictures since.
  [{ "00280004": cs("YBR_FULL_422"), "00282114": cs("ISO_14496_10", "ISO_10918_1") }, false],
  [{ "00280004": cs("RGB") }, false],
])("an object says that it is video: %o", (header, expected) => {
  expect(isVideo(header)).toBe(expected);
});

test.each([
  ["1.2.840.10008.1.2.4.100", true],
  ["1.2.840.10008.1.2.4.104.1", true],
  ["1.2.840.10008.1.2.4.108", true],
  ["1.2.840.10008.1.2.4.90", false],
  ["1.2.840.10008.1.2.1", false],
])("%s is a syntax of video: %s", (syntax, expected) => {
  expect(isVideoSyntax(syntax)).toBe(expected);
});

test.each([
  ["video/mp4", bytes(0, 0, 0, 32, "ftypisom"), "mp4", "mp4"],
  ["video/mp4", bytes(0, 0, 0, 32, "ftypisom", 0, 0, 2, 0, "hvc1"), "hevc", "mp4"],
  ["video/mpeg", bytes(0, 0, 1, 0xb3), "mpeg2", "mpg"],
  ["video/mpeg", bytes(0x47, 1, 2), "mpeg2", "ts"],
  ["video/mp4", bytes(0x47, 1, 2), "transport", "ts"],
  ["video/mp4", bytes(0, 0, 0, 1, 0x67), "bare", "264"],
  ["video/mp4", bytes(1, 2, 3, 4), "other", "bin"],
])("a stream of %s that begins with %o is %s", (type, given, name, ending) => {
  expect(formOf(type, given)).toEqual({ name, ending });
});
