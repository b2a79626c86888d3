import { expect, test } from "vitest";

import type { DicomObject } from "./dicomJson";
import { makeStack } from "./stack";

const REF = { study: "1", series: "2" };
const at = (instance: string) => `http://h/i/${instance}`;

function header(instance: string, told: { number: number; z?: number; frames?: number; samples?: number }) {
  const given: DicomObject = {
    "00080018": { vr: "UI", Value: [instance] },
    "00080060": { vr: "CS", Value: ["CT"] },
    "00200013": { vr: "IS", Value: [told.number] },
    "00280002": { vr: "US", Value: [told.samples ?? 1] },
    "00280010": { vr: "US", Value: [4] },
  };
  if (told.frames) given["00280008"] = { vr: "IS", Value: [told.frames] };
  if (told.z !== undefined) {
    given["00200032"] = { vr: "DS", Value: [0, 0, told.z] };
    given["00200037"] = { vr: "DS", Value: [1, 0, 0, 0, 1, 0] };
  }
  return given;
}

const order = (...headers: DicomObject[]) =>
  makeStack(REF, headers, at).pictures.map((each) => each.instance);

test("slices are read along the patient, in the scanner's direction", () => {
  const up = [
    header("b", { number: 9, z: 2 }),
    header("a", { number: 1, z: 0 }),
    header("c", { number: 12, z: 4 }),
  ];
  expect(order(...up)).toEqual(["a", "b", "c"]);
  const down = [
    header("b", { number: 5, z: 2 }),
    header("a", { number: 9, z: 0 }),
    header("c", { number: 1, z: 4 }),
  ];
  expect(order(...down)).toEqual(["c", "b", "a"]);
});

test("phases of the same places are read by number, and are no volume", () => {
  const phases = [1, 2, 3, 4].map((number) => header(`i${number}`, { number: 5 - number, z: number % 2 }));
  const stack = makeStack(REF, phases, at);
  expect(stack.pictures.map((each) => each.instance)).toEqual(["i4", "i3", "i2", "i1"]);
  expect(stack.isVolume).toBe(false);
});

test("even slices of grey are a volume, of colour not", () => {
  const block = (samples: number) => [0, 2, 4].map((z) => header(`i${z}`, { number: z, z, samples }));
  expect(makeStack(REF, block(1), at).isVolume).toBe(true);
  expect(makeStack(REF, block(3), at).isVolume).toBe(false);
});

test("frames of one object are pictures of their own", () => {
  const film = { ...header("f", { number: 1, frames: 3 }), "00181063": { vr: "DS", Value: [40] } };
  const stack = makeStack(REF, [film], at);
  expect(stack.pictures.map((each) => each.imageId)).toEqual([
    "wadors:http://h/i/f/frames/1",
    "wadors:http://h/i/f/frames/2",
    "wadors:http://h/i/f/frames/3",
  ]);
  expect(stack.frameRate).toBe(25);
});

test("what has no pixels and can be read is paper", () => {
  const report: DicomObject = {
    "0040A040": { vr: "CS", Value: ["CONTAINER"] },
    "00080018": { vr: "UI", Value: ["r"] },
    "00080016": { vr: "UI", Value: ["1.2.840.10008.5.1.4.1.1.88.11"] },
    "00420010": { vr: "ST", Value: ["Findings"] },
  };
  const plan: DicomObject = { "00080018": { vr: "UI", Value: ["p"] } };
  const stack = makeStack(REF, [report, plan], at);
  expect(stack.pictures).toEqual([]);
  expect(stack.papers).toEqual([{ kind: "page", instance: "r", title: "Findings", frameRate: 0 }]);
});

test("video is no stack of its frames, and plays at the rate that it says", () => {
  const video: DicomObject = {
    ...header("v", { number: 1, frames: 500 }),
    "00280004": { vr: "CS", Value: ["YBR_PARTIAL_420"] },
    "00181063": { vr: "DS", Value: [40] },
  };
  const stack = makeStack(REF, [video], at);
  expect(stack.pictures).toEqual([]);
  expect(stack.papers).toMatchObject([{ kind: "film", instance: "v", frameRate: 25 }]);
});

test("an encapsulated PDF is paper", () => {
  const document: DicomObject = {
    "00080018": { vr: "UI", Value: ["d"] },
    "00420012": { vr: "LO", Value: ["application/pdf"] },
  };
  expect(makeStack(REF, [document], at).papers.map((each) => each.instance)).toEqual(["d"]);
});
