import { describe, expect, it } from "vitest";
import { maskPixels, outlinePath } from "../src/paint/mask";
import type { Mask } from "../src/format/types";

const mask = (size: [number, number], counts: number[]): Mask => ({
  size,
  counts: { kind: "tensor", dtype: "int32", shape: [counts.length], data: Int32Array.from(counts) },
});

describe("a mask", () => {
  it("is runs of outside and inside in turn", () => {
    expect(Array.from(maskPixels(mask([2, 4], [1, 2, 3, 2])))).toEqual([0, 1, 1, 0, 0, 0, 1, 1]);
    expect(Array.from(maskPixels(mask([1, 3], [0, 3])))).toEqual([1, 1, 1]);
    expect(Array.from(maskPixels(mask([1, 3], [3])))).toEqual([0, 0, 0]);
  });

  it("has an outline along its border, corners rounded by less than a pixel", () => {
    const pixels = new Uint8Array(400);
    for (let y = 4; y < 16; y++) pixels.fill(1, 20 * y + 4, 20 * y + 16);
    const points = outlinePath(pixels, 20, 20)
      .slice(1, -1)
      .split("L")
      .map((point) => point.split(" ").map(Number) as [number, number]);
    const outside = points.map(([x, y]) => Math.max(Math.abs(x - 10), Math.abs(y - 10)));
    expect(Math.max(...outside)).toBe(6);
    expect(Math.min(...outside)).toBeGreaterThan(5);
    expect(points.length).toBeLessThan(32); // straight stretches hold no points
  });

  it("has no stairs along a slope", () => {
    const pixels = new Uint8Array(60 * 60);
    for (let y = 0; y < 60; y++) pixels.fill(1, 60 * y, 60 * y + y + 1);
    const points = outlinePath(pixels, 60, 60)
      .slice(1, -1)
      .split("L")
      .map((point) => point.split(" ").map(Number) as [number, number]);
    const onSlope = points.filter(([x, y]) => x > 8 && x < 50 && y > 8 && y < 50);
    for (const [x, y] of onSlope) expect(Math.abs(x - y - 0.5)).toBeLessThan(0.6);
  });

  it("keeps the outline of a single pixel", () => {
    expect(outlinePath(Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0, 0), 3, 3)).toBe("M1.5 1L2 1.5L1.5 2L1 1.5Z");
  });

  it("has an outline around each part and each hole", () => {
    const ring = Uint8Array.of(1, 1, 1, 1, 0, 1, 1, 1, 1);
    expect(outlinePath(ring, 3, 3).match(/M/g)).toHaveLength(2);
    const diagonal = Uint8Array.of(1, 0, 0, 1);
    expect(outlinePath(diagonal, 2, 2).match(/M/g)).toHaveLength(2);
    expect(outlinePath(new Uint8Array(4), 2, 2)).toBe("");
  });
});
