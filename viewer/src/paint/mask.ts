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

const WINDOW = 5; // sides of pixels that a point of an outline is the mean of

/**
 * The border of a mask as the `d` of a path in pixels: closed lines through the middles of the
 * sides of pixels, each the mean of a few, so that stairs become slopes and straight sides stay.
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
  const right = new Map([
    [1, stride],
    [stride, -1],
    [-1, -stride],
    [-stride, 1],
  ]).get(way);
  return Math.max(
    0,
    ends.findIndex((end) => end - corner === right),
  );
}

function pathOf(loop: number[], stride: number): string {
  const points = smoothed(
    loop.map((corner, i): Place => {
      const next = loop[(i + 1) % loop.length]!;
      return [
        ((corner % stride) + (next % stride)) / 2,
        (Math.floor(corner / stride) + Math.floor(next / stride)) / 2,
      ];
    }),
  );
  const kept = points.filter(
    (point, i) => !straight(points.at(i - 1)!, point, points[(i + 1) % points.length]!),
  );
  return kept.length ? `M${kept.map(([x, y]) => `${round(x)} ${round(y)}`).join("L")}Z` : "";
}

type Place = [x: number, y: number];

/** The mean over a window that walks around; what is only a few pixels large keeps its shape. */
function smoothed(points: Place[]): Place[] {
  const reach = Math.min((WINDOW - 1) / 2, Math.floor(points.length / 12));
  return points.map((_, i) => {
    let [x, y] = [0, 0];
    for (let k = -reach; k <= reach; k++) {
      const point = points[(i + k + points.length) % points.length]!;
      x += point[0];
      y += point[1];
    }
    return [x / (2 * reach + 1), y / (2 * reach + 1)];
  });
}

/** The middle of a straight stretch says nothing. */
function straight(a: Place, b: Place, c: Place): boolean {
  return Math.abs((b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])) < 1e-9;
}

function round(value: number): number {
  return Math.round(100 * value) / 100;
}
