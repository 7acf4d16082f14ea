/** Which cells a pixel lies between, along one axis: two taps at most. */

export type Smoothing = "bilinear" | "nearest";

/** Pixel i reads cell `left[i]` by 1 - share[i] and the one after it by share[i]. */
export interface Taps {
  readonly left: Int32Array;
  readonly share: Float64Array;
  /** Where `left` changes: run k is pixels runs[k] up to runs[k + 1], clipped to what is covered. */
  readonly runs: Int32Array;
  /** Pixels `from` up to `to` (exclusive) have their centre within the view. */
  readonly from: number;
  readonly to: number;
}

/**
 * Taps of `size` pixels, the numbers of `vlmscope.types.views.axis_weights`.
 *
 * @param edges ascending, cells + 1 of them, in pixels of the same raster.
 */
export function axisTaps(edges: ArrayLike<number>, size: number, smoothing: Smoothing): Taps {
  const cells = edges.length - 1;
  const left = new Int32Array(size);
  const share = new Float64Array(size);
  const smooth = smoothing === "bilinear" && cells > 1;
  const stops = smooth ? middlesOf(edges) : edges;
  const last = smooth ? cells - 2 : cells - 1;
  let next = 0; // how many stops lie at or before the centre of the pixel
  for (let i = 0; i < size; i++) {
    while (next < stops.length && stops[next]! <= i + 0.5) next++;
    const cell = clamp(next - 1, 0, last);
    left[i] = cell;
    if (smooth) share[i] = clamp((i + 0.5 - stops[cell]!) / (stops[cell + 1]! - stops[cell]!), 0, 1);
  }
  const { from, to } = covered(edges, size);
  return { left, share, from, to, runs: runsOf(left, from, to) };
}

function runsOf(left: Int32Array, from: number, to: number): Int32Array {
  const starts = [from];
  for (let i = from + 1; i < to; i++) if (left[i] !== left[i - 1]) starts.push(i);
  return Int32Array.from(from < to ? [...starts, to] : [from]);
}

/** The pixels whose centre a view covers; one thinner than a pixel covers the one it lies in. */
function covered(edges: ArrayLike<number>, size: number): { from: number; to: number } {
  const low = edges[0]!;
  const high = edges[edges.length - 1]!;
  const from = clamp(Math.ceil(low - 0.5), 0, size);
  const to = clamp(Math.ceil(high - 0.5), 0, size);
  if (from < to || low >= size || high <= 0) return { from, to: Math.max(from, to) };
  const pixel = Math.trunc(clamp((low + high) / 2, 0, size - 1));
  return { from: pixel, to: pixel + 1 };
}

function middlesOf(edges: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: edges.length - 1 }, (_, i) => (edges[i]! + edges[i + 1]!) / 2);
}

function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value;
}
