/** The two layers of pixels of a scene: the picture, and the heat map over it. */

import type { Scene, Size } from "../../format/types";
import type { ShownMap } from "../context";
import { anchorsOf, colourAt } from "../../paint/colours";
import { hatchOutside, hidesSome } from "../../paint/hatch";
import { heatPixels, heatTable, type HeatTable } from "../../paint/heat";
import { decodePicture, rasterOf } from "../../paint/picture";
import { ownRange } from "../../paint/range";
import { planOf, type Plan } from "../../paint/views";
import type { Smoothing } from "../../paint/taps";
import { element } from "../../ui/dom";
import type { LookState } from "./look";

export class Layers {
  readonly picture: HTMLCanvasElement;
  readonly heat: HTMLCanvasElement;
  /** (height, width) of both. */
  readonly size: Size;
  private readonly pixels: ImageData | null;
  private readonly plans = new Map<Smoothing, Plan>();
  private table: { alpha: number; colours: HeatTable } | null = null;
  private bitmap: ImageBitmap | null = null;

  constructor(private readonly scene: Scene) {
    this.size = rasterOf(scene.size);
    const [height, width] = this.size;
    this.picture = element("canvas", { class: "v-layer", width, height, "aria-hidden": "true" });
    this.heat = element("canvas", { class: "v-layer", width, height, role: "img", "aria-label": "Heat map" });
    this.pixels = this.heat.getContext("2d")?.createImageData(width, height) ?? null;
  }

  /** Decode the picture; it may be drawn from then on. */
  async load(): Promise<void> {
    this.bitmap = await decodePicture(this.scene.image);
  }

  /** Low and high that a map is coloured by. */
  scaleOf(map: ShownMap, smoothing: Smoothing): [number, number] {
    return map.scale ?? ownRange(this.plan(smoothing), neutral(map));
  }

  drawHeat(map: ShownMap, look: LookState): void {
    this.heat.hidden = !look.heat;
    const context = this.heat.getContext("2d");
    if (!look.heat || !context || !this.pixels) return;
    const plan = this.plan(look.smoothing);
    const scale = this.scaleOf(map, look.smoothing);
    const packed = new Uint32Array(this.pixels.data.buffer);
    heatPixels(plan, neutral(map), scale, this.colours(look.alpha), packed);
    context.putImageData(this.pixels, 0, 0);
    if (look.hatch) this.clearUnseen(context);
  }

  drawPicture(look: LookState): void {
    const context = this.picture.getContext("2d", { willReadFrequently: true });
    if (!context || !this.bitmap) return;
    const [height, width] = this.size;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.bitmap, 0, 0, width, height);
    const seen = this.seen();
    if (!look.hatch || !hidesSome(this.size, seen)) return;
    const pixels = context.getImageData(0, 0, width, height);
    const veil = { rgb: colourAt(anchorsOf("inferno"), 0), weight: look.alpha / 2 };
    hatchOutside(pixels.data, this.size, seen, look.heat ? veil : null);
    context.putImageData(pixels, 0, 0);
  }

  /** The hatched part holds its share of the heat map already. */
  private clearUnseen(context: CanvasRenderingContext2D): void {
    const [height, width] = this.size;
    const [x0, y0, x1, y1] = this.seen().map((value) => Math.ceil(value - 0.5)) as [number, number, number, number];
    context.clearRect(0, 0, width, y0);
    context.clearRect(0, y1, width, height - y1);
    context.clearRect(0, 0, x0, height);
    context.clearRect(x1, 0, width - x1, height);
  }

  private seen(): [number, number, number, number] {
    const [y, x] = [this.size[0] / this.scene.size[0], this.size[1] / this.scene.size[1]];
    const [x0, y0, x1, y1] = this.scene.seen;
    return [x0 * x, y0 * y, x1 * x, y1 * y];
  }

  private plan(smoothing: Smoothing): Plan {
    const made = this.plans.get(smoothing) ?? planOf(this.scene.cells, this.size, smoothing);
    this.plans.set(smoothing, made);
    return made;
  }

  private colours(alpha: number): HeatTable {
    if (this.table?.alpha !== alpha) this.table = { alpha, colours: heatTable("inferno", alpha) };
    return this.table.colours;
  }
}

/** Greyed cells at the lowest of the others, so that they light up nothing beside them. */
function neutral(map: ShownMap): Float32Array {
  const { values, greyed } = map;
  if (!greyed?.some(Boolean)) return values;
  const lowest = values.reduce((low, value, cell) => (greyed[cell] || value >= low ? low : value), Infinity);
  return values.map((value, cell) => (greyed[cell] ? (Number.isFinite(lowest) ? lowest : 0) : value));
}
