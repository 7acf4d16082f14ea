import { describe, expect, it } from "vitest";
import { anchorsOf, colourAt, paletteColour, type ColourMap } from "../src/paint/colours";
import { hatchOutside, hidesSome } from "../src/paint/hatch";
import { heatPixels, heatTable } from "../src/paint/heat";
import { ownRange } from "../src/paint/range";
import { paint, planOf, type Plan } from "../src/paint/views";
import type { Smoothing } from "../src/paint/taps";
import type { Box, Cells, Size } from "../src/format/types";
import colours from "./fixtures/colours.json";
import hatch from "./fixtures/hatch.json";
import paintings from "./fixtures/paint.json";

function floats(text: string): Float32Array {
  return new Float32Array(Uint8Array.from(atob(text), (char) => char.charCodeAt(0)).buffer);
}

/** RGBA of a flat list of RGB. */
function rgba(rgb: number[]): Uint8ClampedArray {
  return Uint8ClampedArray.from({ length: (rgb.length / 3) * 4 }, (_, i) =>
    i % 4 === 3 ? 255 : rgb[Math.floor(i / 4) * 3 + (i % 4)]!,
  );
}

/** The first row of a map as where its colours lie between the darkest (0) and the brightest (1). */
function steps(plan: Plan, values: number[], scale: [number, number]): number[] {
  const table = Uint32Array.from({ length: 2048 }, (_, step) => step);
  const out = new Uint32Array(plan.height * plan.width);
  heatPixels(plan, Float32Array.from(values), scale, table, out);
  return Array.from(out.subarray(0, plan.width), (step) => step / 2047);
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

describe("painting", () => {
  it.each(paintings.map((each) => [each.name, each] as const))("equals Python's: %s", (_, each) => {
    const plan = planOf(each.cells as Cells, each.size as Size, each.smoothing as Smoothing);
    plan.row.fill(7); // whatever was there before is gone
    const painted = paint(plan, Float32Array.from(each.values));
    expect(largestDifference(painted, floats(each.painted))).toBeLessThan(1e-5);
  });

  it.each(paintings.map((each) => [each.name, each] as const))(
    "finds the range without painting all: %s",
    (_, each) => {
      const plan = planOf(each.cells as Cells, each.size as Size, each.smoothing as Smoothing);
      const covered = Array.from(floats(each.painted)).filter((__, i) => !plan.layers || plan.layers[i]);
      const [low, high] = ownRange(plan, Float32Array.from(each.values));
      if (new Set(covered).size < 2) return expect([low, high]).toEqual([0, 0]);
      expect(low).toBeCloseTo(Math.min(...covered), 5);
      expect(high).toBeCloseTo(Math.max(...covered), 5);
    },
  );

  it("stretches over what is covered only", () => {
    const cells: Cells = { size: [4, 4], views: [{ name: "image", y_edges: [0, 4], x_edges: [1, 2, 3] }] };
    const plan = planOf(cells, [4, 4], "nearest");
    expect(ownRange(plan, Float32Array.of(2, 5))).toEqual([2, 5]);
    expect(Array.from(paint(plan, Float32Array.of(2, 5)).subarray(0, 4))).toEqual([0, 2, 5, 0]);
    expect(steps(plan, [-2, -5], [-5, -2])).toEqual([0, 1, 0, 0]);
  });

  it("leaves a flat map dark", () => {
    const cells: Cells = { size: [2, 2], views: [{ name: "image", y_edges: [0, 1, 2], x_edges: [0, 2] }] };
    const plan = planOf(cells, [2, 2], "bilinear");
    expect(ownRange(plan, Float32Array.of(0.3, 0.3000001))).toEqual([0, 0]);
    expect(steps(plan, [0.3, 0.3000001], [0, 0])).toEqual([0, 0]);
  });
});

describe("colours", () => {
  it.each(Object.entries(colours.colours))("of %s are Python's", (name, expected) => {
    const anchors = anchorsOf(name as ColourMap);
    const drawn = colours.values.flatMap((value) => colourAt(anchors, value));
    expect(largestDifference(drawn, expected)).toBe(0);
  });

  it("of classes differ", () => {
    expect(new Set(Array.from({ length: 256 }, (_, i) => paletteColour(i).join())).size).toBe(256);
    expect(paletteColour(256)).toEqual(paletteColour(0));
  });

  it.each(Object.entries(colours.blended))(
    "laid over a picture at alpha %s are Python's to a level",
    (alpha, expected) => {
      const cells: Cells = {
        size: [6, 40],
        views: [{ name: "image", y_edges: range(7), x_edges: range(41) }],
      };
      const plan = planOf(cells, [6, 40], "nearest");
      const out = new Uint32Array(240);
      heatPixels(plan, Float32Array.from(colours.heat), [0, 1], heatTable("inferno", Number(alpha)), out);
      const layer = new Uint8Array(out.buffer);
      const laid = colours.pixels.map((value, i) => {
        const weight = layer[Math.floor(i / 3) * 4 + 3]! / 255;
        return Math.round(value * (1 - weight) + layer[Math.floor(i / 3) * 4 + (i % 3)]! * weight);
      });
      expect(largestDifference(laid, expected)).toBeLessThanOrEqual(1);
    },
  );
});

describe("what was not seen", () => {
  const size = hatch.size as Size;
  const seen = hatch.seen as Box;

  it("is hatched as Python hatches it", () => {
    const pixels = rgba(hatch.pixels);
    hatchOutside(pixels, size, seen, null);
    expect(largestDifference(pixels, rgba(hatch.hatched))).toBeLessThanOrEqual(1);
    const veiled = rgba(hatch.pixels);
    hatchOutside(veiled, size, seen, { rgb: anchorsOf("viridis")[0]!, weight: 0.275 });
    expect(largestDifference(veiled, rgba(hatch.veiled))).toBeLessThanOrEqual(1);
  });

  it("is there or not", () => {
    expect(hidesSome([4, 4], [0, 0, 4, 4])).toBe(false);
    expect(hidesSome([4, 4], [0.4, 0, 4, 3.6])).toBe(false);
    expect(hidesSome([4, 4], [0, 0, 4, 3.5])).toBe(true);
    expect(hidesSome([4, 4], [0.6, 0, 4, 4])).toBe(true);
  });
});

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
