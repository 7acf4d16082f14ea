/** The heat map of a scene: a canvas over the picture. */

import type { Scene, Size } from "../../format/types";
import { heatPixels, heatTable, type HeatTable } from "../../paint/heat";
import { ownRange } from "../../paint/range";
import type { Smoothing } from "../../paint/taps";
import { planOf, type Plan } from "../../paint/views";
import { element } from "../../ui/dom";
import type { ShownMap } from "../context";
import type { LookState } from "./look";
import { seenOn } from "./unseen";

export class HeatLayer {
  readonly canvas = element("canvas", { class: "v-layer", role: "img", "aria-label": "Heat map" });
  private pixels: ImageData | null = null;
  private readonly plans = new Map<Smoothing, Plan>();
  private table: { alpha: number; colours: HeatTable } | null = null;

  /** @param size (height, width) of the raster. */
  constructor(
    private readonly scene: Scene,
    private size: Size,
  ) {
    this.resize(size);
  }

  /** Another raster; the map has to be drawn again. Whether anything changed. */
  resize(size: Size): boolean {
    if (this.pixels && size.join() === this.size.join()) return false;
    this.size = size;
    [this.canvas.height, this.canvas.width] = size;
    this.pixels = this.canvas.getContext("2d")?.createImageData(size[1], size[0]) ?? null;
    this.plans.clear();
    return true;
  }

  /** Draw a map; low and high of its colours come back. */
  draw(map: ShownMap, look: LookState): [number, number] {
    const plan = this.plan(look.smoothing);
    const values = neutral(map);
    const scale = map.scale ?? ownRange(plan, values);
    this.canvas.hidden = !look.heat;
    const context = this.canvas.getContext("2d");
    if (!look.heat || !context || !this.pixels) return scale;
    heatPixels(plan, values, scale, this.colours(look.alpha), new Uint32Array(this.pixels.data.buffer));
    context.putImageData(this.pixels, 0, 0);
    if (look.hatch) this.clearUnseen(context);
    return scale;
  }

  /** The hatched part of the picture holds its share of the heat map already. */
  private clearUnseen(context: CanvasRenderingContext2D): void {
    const [height, width] = this.size;
    const [x0, y0, x1, y1] = seenOn(this.scene, this.size).map((value) => Math.ceil(value - 0.5)) as [
      number,
      number,
      number,
      number,
    ];
    context.clearRect(0, 0, width, y0);
    context.clearRect(0, y1, width, height - y1);
    context.clearRect(0, 0, x0, height);
    context.clearRect(x1, 0, width - x1, height);
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
