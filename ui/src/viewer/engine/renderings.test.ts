import { describe, expect, test } from "vitest";

import { levelsOf, pointsFor, renderingOf, renderingsOf } from "./renderings";

/** A head: half air with noise, half tissue, and a few bright vessels. */
const head = (scale: number) =>
  Float32Array.from({ length: 10_000 }, (_, at) =>
    at < 5_000 ? (at % 20) * scale : at < 9_900 ? (300 + (at % 200)) * scale : 900 * scale,
  );

describe("the levels of a block", () => {
  test.each([1, 8, 0.001])("are found whatever its values mean: times %d", (scale) => {
    const { low, tissue, high } = levelsOf(head(scale));
    expect(low / scale).toBeCloseTo(0, 0);
    expect(tissue / scale).toBeGreaterThan(19);
    expect(tissue / scale).toBeLessThan(301);
    expect(high / scale).toBeCloseTo(900, 0);
  });

  test("are in order where all values are one", () => {
    const { low, tissue, high } = levelsOf(new Float32Array(100).fill(7));
    expect([low, tissue, high]).toEqual([7, 7.5, 8]);
  });
});

describe("a rendering", () => {
  const levels = { low: 10, tissue: 110, high: 1110 };

  test("of CT stands at its HU, any other at the values of its block", () => {
    expect(pointsFor(renderingOf("bone", "CT"), levels)[0]?.at).toBe(120);
    const [first, second, , last] = pointsFor(renderingOf("surface", "MR"), levels);
    expect([first?.at, second?.at, last?.at]).toEqual([80, 110, 1110]);
  });

  test("moves, and becomes wider about its middle", () => {
    const places = pointsFor(renderingOf("mip", "CT"), levels, { shift: 100, width: 2 }).map(({ at }) => at);
    expect(places).toEqual([-575, 1525]);
  });

  test("is the usual one of its modality where another was chosen", () => {
    expect(renderingOf("bone", "MR").name).toBe("surface");
    expect(renderingOf("", "PT").name).toBe("mip");
  });

  test.each(["CT", "MR", "PT"])("of %s has its points in order", (modality) => {
    for (const { points } of renderingsOf(modality)) {
      const places = points.map(({ at }) => at);
      expect(places).toEqual([...places].sort((a, b) => a - b));
    }
  });
});
