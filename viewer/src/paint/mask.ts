/** Masks: from runs to pixels, and from pixels to an outline. */

import type { Mask } from "../format/types";

/** One byte a pixel, 1 inside; row by row. */
export function maskPixels(mask: Mask): Uint8Array<ArrayBuffer> {
  const pixels = new Uint8Array(mask.size[0] * mask.size[1]);
  let at = 0;
  mask.counts.data.forEach((length, index) => {
    if (index % 2) pixels.fill(1, at, at + length);
    at += length;
  });
  return pixels;
}

/**
 * The border of a mask as the `d` of a path in pixels: closed lines through the middles of the
 * sides of pixels, which cuts corners by half a pixel and keeps straight borders straight.
 */
export function outlinePath(pixels: Uint8Array, height: number, width: number): string {
  const sides = sidesOf(pixels, height, width);
  const lines: string[] = [];
  for (const start of sides.keys()) {
    let loop: number[] | null;
    while ((loop = takeLoop(sides, start, width + 1))) lines.push(pathOf(loop, width + 1));
  }
  return lines.join("");
}

/** Sides between inside and outside, corner to corner, inside to the right of the way. */
function sidesOf(pixels: Uint8Array, height: number, width: number): Map<number, number[]> {
  const sides = new Map<number, number[]>();
  const stride = width + 1;
  const add = (from: number, to: number) => {
    const ends = sides.get(from);
    if (ends) ends.push(to);
    else sides.set(from, [to]);
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      if (!pixels[i]) continue;
      const corner = y * stride + x;
      if (y === 0 || !pixels[i - width]) add(corner, corner + 1);
      if (x === width - 1 || !pixels[i + 1]) add(corner + 1, corner + stride + 1);
      if (y === height - 1 || !pixels[i + width]) add(corner + stride + 1, corner + stride);
      if (x === 0 || !pixels[i - 1]) add(corner + stride, corner);
    }
  }
  return sides;
}

/** Corners of one closed loop from `start`, taken out of `sides`; null where none is left. */
function takeLoop(sides: Map<number, number[]>, start: number, stride: number): number[] | null {
  const loop: number[] = [];
  let corner = start;
  let way = 0;
  do {
    const ends = sides.get(corner);
    if (!ends?.length) return loop.length ? loop : null;
    const next = ends.splice(chosen(ends, corner, way, stride), 1)[0]!;
    loop.push(corner);
    way = next - corner;
    corner = next;
  } while (corner !== start);
  return loop;
}

/** Where two pixels touch by a corner, turn right: each keeps an outline of its own. */
function chosen(ends: number[], corner: number, way: number, stride: number): number {
  if (ends.length < 2) return 0;
  const right = new Map([[1, stride], [stride, -1], [-1, -stride], [-stride, 1]]).get(way);
  return Math.max(0, ends.findIndex((end) => end - corner === right));
}

function pathOf(loop: number[], stride: number): string {
  const points: string[] = [];
  for (let i = 0; i < loop.length; i++) {
    const before = loop[(i + loop.length - 1) % loop.length]!;
    const [at, next, after] = [loop[i]!, loop[(i + 1) % loop.length]!, loop[(i + 2) % loop.length]!];
    // the middle of a straight stretch says nothing
    if (next - at === at - before && after - next === next - at) continue;
    points.push(`${middle(at % stride, next % stride)} ${middle(Math.floor(at / stride), Math.floor(next / stride))}`);
  }
  return points.length ? `M${points.join("L")}Z` : "";
}

function middle(a: number, b: number): string {
  return String((a + b) / 2);
}
