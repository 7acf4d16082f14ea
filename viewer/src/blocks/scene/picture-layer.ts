/** The picture of a scene, hatched where the model did not see it. */

import type { Scene, Size } from "../../format/types";
import { anchorsOf, colourAt } from "../../paint/colours";
import { hatchOutside, hidesSome } from "../../paint/hatch";
import { decodePicture, rasterOf } from "../../paint/picture";
import { element } from "../../ui/dom";
import type { LookState } from "./look";
import { seenOn } from "./unseen";

export class PictureLayer {
  readonly canvas: HTMLCanvasElement;
  /** (height, width) of the raster. */
  readonly size: Size;
  private bitmap: ImageBitmap | null = null;
  private drawn = "";

  constructor(private readonly scene: Scene) {
    this.size = rasterOf(scene.size);
    const [height, width] = this.size;
    this.canvas = element("canvas", { class: "v-layer", width, height, "aria-hidden": "true" });
  }

  /** Decode the picture; it may be drawn from then on. */
  async load(): Promise<void> {
    this.bitmap = await decodePicture(this.scene.image);
  }

  /** Give back the memory of the decoded picture, which is not waited for to be collected. */
  close(): void {
    this.bitmap?.close();
    this.bitmap = null;
  }

  /** Draw it, where the last drawing does not hold any more. */
  draw(look: LookState): void {
    const hides = hidesSome(this.size, seenOn(this.scene, this.size));
    const state = hides ? [look.hatch, look.heat, look.alpha].join() : "whole";
    const context = this.canvas.getContext("2d");
    if (!context || !this.bitmap || state === this.drawn) return;
    this.drawn = state;
    const [height, width] = this.size;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.bitmap, 0, 0, width, height);
    if (hides && look.hatch) this.hatch(context, look);
  }

  private hatch(context: CanvasRenderingContext2D, look: LookState): void {
    const [height, width] = this.size;
    const pixels = context.getImageData(0, 0, width, height);
    const veil = { rgb: colourAt(anchorsOf("inferno"), 0), weight: look.alpha / 2 };
    hatchOutside(pixels.data, this.size, seenOn(this.scene, this.size), look.heat ? veil : null);
    context.putImageData(pixels, 0, 0);
  }
}
