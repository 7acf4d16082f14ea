/** The range that a map's colours are stretched to. */

import { paintRow, type Plan } from "./views";

/** Relative spread below which a map counts as flat: nothing stands out (post/region.py). */
const FLAT = 1e-5;

/** Low and high of what is painted where a view covers it; [0, 0] for a flat map. */
export function ownRange(plan: Plan, values: Float32Array): [number, number] {
  const { layers, width } = plan;
  let low = Infinity;
  let high = -Infinity;
  for (const y of plan.turningRows) {
    const row = paintRow(plan, values, y);
    for (let x = 0; x < width; x++) {
      const value = row[x]!;
      if (layers && !layers[y * width + x]) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  const flat = !(high - low > FLAT * Math.max(Math.abs(low), Math.abs(high)));
  return flat ? [0, 0] : [low, high];
}
