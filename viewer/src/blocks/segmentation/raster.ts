/** Classes by pixel, as runs; a class is shown, hidden, or the only one. */

import type { SegmentationBlock, Size } from "../../format/types";

export interface ClassLook {
  hidden: ReadonlySet<number>;
  /** The class under the pointer: the others are faint. */
  only: number | null;
  alpha: number;
}

/** Fill RGBA pixels by runs [class, length, ...]; classes without a colour stay empty. */
export function fillClasses(block: SegmentationBlock, look: ClassLook, out: Uint32Array): void {
  const colours = block.colours.map((rgb, index) => packed(rgb, alphaOf(index, look)));
  const runs = block.labels.data;
  let at = 0;
  for (let i = 0; i + 1 < runs.length; i += 2) {
    const end = at + runs[i + 1]!;
    out.fill(colours[runs[i]!] ?? 0, at, end);
    at = end;
  }
}

/** The class at a pixel, or null where none is. */
export function classAt(block: SegmentationBlock, [, width]: Size, x: number, y: number): number | null {
  const target = Math.floor(y) * width + Math.floor(x);
  const runs = block.labels.data;
  let at = 0;
  for (let i = 0; i + 1 < runs.length; i += 2) {
    at += runs[i + 1]!;
    if (target < at) return runs[i]! in block.names ? runs[i]! : null;
  }
  return null;
}

function alphaOf(index: number, { hidden, only, alpha }: ClassLook): number {
  if (only !== null) return index === only ? Math.max(alpha, 0.75) : 0.08;
  return hidden.has(index) ? 0 : alpha;
}

function packed([r, g, b]: [number, number, number], alpha: number): number {
  return ((Math.round(255 * alpha) << 24) | (b << 16) | (g << 8) | r) >>> 0;
}
