/** What the model never saw: darkened and striped, by the numbers of viz/pens.py. */

import type { Box, Size } from "../format/types";
import type { Rgb } from "./colours";

/**
 * Hatch RGBA pixels outside of `seen`, in place.
 *
 * @param seen xyxy in pixels of this raster.
 * @param veil colour and weight of the heat map there, which is laid over before.
 */
export function hatchOutside(
  pixels: Uint8ClampedArray,
  size: Size,
  seen: Box,
  veil: { rgb: Rgb; weight: number } | null,
): void {
  const [height, width] = size;
  const period = Math.max(8, Math.floor(Math.min(height, width) / 28));
  for (let y = 0; y < height; y++) {
    const rowSeen = y + 0.5 >= seen[1] && y + 0.5 < seen[3];
    for (let x = 0; x < width; x++) {
      if (rowSeen && x + 0.5 >= seen[0] && x + 0.5 < seen[2]) continue;
      hatchPixel(pixels, 4 * (y * width + x), stripe(((x + y + 1) % period) / period), veil);
    }
  }
}

/** Whether any pixel of the raster lies outside. */
export function hidesSome(size: Size, seen: Box): boolean {
  const [height, width] = size;
  return seen[0] > 0.5 || seen[1] > 0.5 || seen[2] <= width - 0.5 || seen[3] <= height - 0.5;
}

function hatchPixel(
  pixels: Uint8ClampedArray,
  at: number,
  stripes: number,
  veil: { rgb: Rgb; weight: number } | null,
): void {
  const weight = veil?.weight ?? 0;
  const rgb = [0, 1, 2].map(
    (channel) => pixels[at + channel]! * (1 - weight) + (veil?.rgb[channel] ?? 0) * weight,
  );
  const grey = ((rgb[0]! + rgb[1]! + rgb[2]!) / 3) * 0.22 + 22;
  for (let channel = 0; channel < 3; channel++) {
    pixels[at + channel] = (grey + rgb[channel]! * 0.08) * (1 - 0.3 * stripes) + 150 * 0.3 * stripes;
  }
}

function stripe(phase: number): number {
  return Math.min(1, Math.max(0, 2.2 - 11 * Math.abs(phase - 0.5)));
}
