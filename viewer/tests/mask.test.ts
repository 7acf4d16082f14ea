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

  it("has an outline along straight sides, corners cut by half a pixel", () => {
    const pixels = new Uint8Array(25);
    for (const y of [1, 2, 3]) pixels.fill(1, 5 * y + 1, 5 * y + 4);
    expect(outlinePath(pixels, 5, 5)).toBe("M1.5 1L3.5 1L4 1.5L4 3.5L3.5 4L1.5 4L1 3.5L1 1.5Z");
  });

  it("has an outline around each part and each hole", () => {
    const ring = Uint8Array.of(1, 1, 1, 1, 0, 1, 1, 1, 1);
    expect(outlinePath(ring, 3, 3).match(/M/g)).toHaveLength(2);
    const diagonal = Uint8Array.of(1, 0, 0, 1);
    expect(outlinePath(diagonal, 2, 2).match(/M/g)).toHaveLength(2);
    expect(outlinePath(new Uint8Array(4), 2, 2)).toBe("");
  });
});
