/** Heat as pixels that are laid over a picture: colour and weight by value. */

import { anchorsOf, colourAt, type ColourMap } from "./colours";
import { paintRow, type Plan } from "./views";

const STEPS = 2048; // a step is a third of a level of the steepest colour

/** Packed RGBA by value in 0..1, in `STEPS` steps. */
export type HeatTable = Uint32Array;

/**
 * Colours whose weight over the picture grows with the value, as in results/drawing.py:
 * alpha * (0.5 + 0.5 * heat).
 */
export function heatTable(name: ColourMap, alpha: number): HeatTable {
  const anchors = anchorsOf(name);
  return Uint32Array.from({ length: STEPS }, (_, step) => {
    const heat = step / (STEPS - 1);
    const [r, g, b] = colourAt(anchors, heat);
    const weight = Math.round(255 * alpha * (0.5 + 0.5 * heat));
    return ((weight << 24) | (b << 16) | (g << 8) | r) >>> 0;
  });
}

/**
 * A map as RGBA, row by row, so that no pixel leaves the fast memory twice.
 *
 * @param scale low and high of the colours; without width everything is low.
 * @param out one packed pixel each; what no view covers is as low as can be.
 */
export function heatPixels(
  plan: Plan,
  values: Float32Array,
  scale: readonly [number, number],
  table: HeatTable,
  out: Uint32Array,
): void {
  const [low, high] = scale;
  const factor = high > low ? (STEPS - 1) / (high - low) : 0;
  for (let y = 0; y < plan.height; y++) {
    const row = paintRow(plan, values, y);
    colourRow(row, low, factor, table, out, y * plan.width);
    if (plan.layers) darkenUncovered(plan.layers, table[0]!, out, y * plan.width, plan.width);
  }
}

function colourRow(
  row: Float64Array,
  low: number,
  factor: number,
  table: HeatTable,
  out: Uint32Array,
  at: number,
): void {
  for (let x = 0; x < row.length; x++) {
    let step = (row[x]! - low) * factor + 0.5;
    if (!(step > 0))
      step = 0; // NaN as well
    else if (step > STEPS - 1) step = STEPS - 1;
    out[at + x] = table[step | 0]!;
  }
}

/** 0 is not low where values may be negative. */
function darkenUncovered(
  layers: Uint8Array,
  lowest: number,
  out: Uint32Array,
  at: number,
  width: number,
): void {
  for (let i = at; i < at + width; i++) if (!layers[i]) out[i] = lowest;
}
