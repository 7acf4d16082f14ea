import { describe, expect, it } from "vitest";
import { classAt, fillClasses } from "../../src/blocks/segmentation/raster";
import type { SegmentationBlock } from "../../src/format/types";
import { byLabel, contextOf, frame, mounted, picture, tensor } from "../fakes";

/** Sky, sky, ball / grass, nothing, ball. */
const block = (): SegmentationBlock => ({
  type: "segmentation",
  image: picture,
  size: [2, 3],
  names: ["sky", "grass", "ball"],
  labels: tensor("int32", [10], [0, 2, 2, 1, 1, 1, -1, 1, 2, 1]),
  colours: [
    [10, 20, 30],
    [40, 50, 60],
    [70, 80, 90],
  ],
  areas: [2, 1, 2],
  presence: [0.9, 0.5, 0.25],
  confidence: null,
  facts: [["model", "tiny-clip"]],
  warnings: ["small"],
});

const look = { hidden: new Set<number>(), only: null, alpha: 1 };

function rgbaAt(pixels: Uint32Array, index: number): number[] {
  return Array.from(new Uint8Array(pixels.buffer, 4 * index, 4));
}

describe("classes by pixel", () => {
  it("are filled run by run; what has no class stays empty", () => {
    const pixels = new Uint32Array(6);
    fillClasses(block(), look, pixels);
    expect([0, 2, 3, 4, 5].map((at) => rgbaAt(pixels, at))).toEqual([
      [10, 20, 30, 255],
      [70, 80, 90, 255],
      [40, 50, 60, 255],
      [0, 0, 0, 0],
      [70, 80, 90, 255],
    ]);
  });

  it("are found at a place", () => {
    const at = (x: number, y: number) => classAt(block(), [2, 3], x, y);
    expect([at(0, 0), at(2.9, 0), at(0.5, 1.5), at(1, 1), at(2, 1)]).toEqual([0, 2, 1, null, 2]);
  });
});

describe("a segmentation", () => {
  it("names its classes, largest first, with how much each has", () => {
    const { target } = mounted(block());
    const rows = Array.from(
      byLabel(target, "Classes").parentElement!.querySelectorAll("li label"),
      (row) => row.textContent,
    );
    expect(rows).toEqual(["sky33% · presence 0.9", "ball33% · presence 0.25", "grass17% · presence 0.5"]);
  });

  it("hides a class by its box and shows the one under the pointer", async () => {
    const { target } = mounted(block());
    const alpha = async (at: number) => {
      await frame();
      return contextOf(target.querySelector("canvas[role=img]")!).pixels![4 * at + 3];
    };
    const [sky, ball] = [...target.querySelectorAll<HTMLElement>("li")];
    expect(await alpha(0)).toBe(Math.round(255 * 0.55));
    const box = sky!.querySelector("input")!;
    box.checked = false;
    box.dispatchEvent(new Event("change"));
    expect(await alpha(0)).toBe(0);
    ball!.dispatchEvent(new Event("pointerenter"));
    expect(await alpha(2)).toBe(Math.round(255 * 0.75));
    expect(await alpha(3)).toBeLessThan(30);
    expect(target.querySelector(".v-heads-line")!.textContent).toBe("ball");
    expect(ball!.className).toContain("v-class-now");
  });
});
