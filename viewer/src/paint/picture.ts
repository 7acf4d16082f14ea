/** Encoded pictures as something that a canvas can draw. */

import type { Picture } from "../format/types";

/** Decoded, as it was encoded: no rotation, no change of colours. */
export function decodePicture(picture: Picture): Promise<ImageBitmap> {
  return createImageBitmap(blobOf(picture), { colorSpaceConversion: "none" });
}

export function blobOf(picture: Picture): Blob {
  return new Blob([picture.bytes], { type: picture.mime });
}

/**
 * (height, width) in which an image is drawn: small ones are enlarged so that lines are readable,
 * large ones made smaller (results/drawing.py, scale_factor).
 */
export function rasterOf(size: readonly [number, number], shortest = 480, longest = 1000): [number, number] {
  const [height, width] = size;
  const larger = Math.max(1, shortest / Math.min(height, width));
  const factor = Math.min(larger, longest / Math.max(height, width));
  return [Math.max(1, Math.round(height * factor)), Math.max(1, Math.round(width * factor))];
}
