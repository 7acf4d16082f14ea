/** Values over cells as pixels: `vlmscope.types.views.paint_views`, at any resolution. */

import type { Cells, Size } from "../format/types";
import { axisTaps, type Smoothing, type Taps } from "./taps";

interface ViewTaps {
  readonly rows: Taps;
  readonly columns: Taps;
  /** Cells in a row. */
  readonly width: number;
  /** Where the view's values begin among those of all views. */
  readonly start: number;
  /** One row of cells, mixed of two; one more than there are, read with share 0 only. */
  readonly line: Float64Array;
}

/** All that painting needs to know of a geometry; made once, used for every map. */
export interface Plan {
  readonly height: number;
  readonly width: number;
  readonly views: readonly ViewTaps[];
  /** (height * width): how many views cover each pixel; null where one covers all of them. */
  readonly layers: Uint8Array | null;
  /** Rows between which everything painted rises or falls: the extremes lie on them. */
  readonly turningRows: readonly number[];
  /** One row of pixels as it is painted. */
  readonly row: Float64Array;
}

/** The plan for a raster of `size`, which shows the whole image whatever its own size is. */
export function planOf(cells: Cells, size: Size, smoothing: Smoothing): Plan {
  const [height, width] = size;
  let start = 0;
  const views = cells.views.map((view) => {
    const rows = axisTaps(scaled(view.y_edges, height / cells.size[0]), height, smoothing);
    const columns = axisTaps(scaled(view.x_edges, width / cells.size[1]), width, smoothing);
    const across = view.x_edges.length - 1;
    const taps = { rows, columns, width: across, start, line: new Float64Array(across + 1) };
    start += (view.y_edges.length - 1) * across;
    return taps;
  });
  const layers = layersOf(views, height, width);
  return { height, width, views, layers, turningRows: turningRows(views), row: new Float64Array(width) };
}

/** How many values a geometry has. */
export function cellCount(cells: Cells): number {
  return cells.views.reduce((sum, view) => sum + (view.y_edges.length - 1) * (view.x_edges.length - 1), 0);
}

/**
 * One row of pixels, in `plan.row` until the next is painted; views that overlap are averaged,
 * pixels that none covers are 0.
 */
export function paintRow(plan: Plan, values: Float32Array, y: number): Float64Array {
  const { row, layers } = plan;
  if (layers) row.fill(0);
  for (const view of plan.views) {
    if (y < view.rows.from || y >= view.rows.to) continue;
    mixCells(view, values, y);
    spread(view, row, plan.views.length > 1);
  }
  if (layers && plan.views.length > 1) average(row, layers, y * plan.width);
  return row;
}

/** A whole map, float32 (height * width). */
export function paint(plan: Plan, values: Float32Array): Float32Array {
  const out = new Float32Array(plan.height * plan.width);
  for (let y = 0; y < plan.height; y++) out.set(paintRow(plan, values, y), y * plan.width);
  return out;
}

/** The two rows of cells that a row of pixels lies between, as one. */
function mixCells({ rows, width, start, line }: ViewTaps, values: Float32Array, y: number): void {
  const share = rows.share[y]!;
  const above = start + rows.left[y]! * width;
  const below = share > 0 ? above + width : above;
  for (let x = 0; x < width; x++) {
    const value = values[above + x]!;
    line[x] = value + (values[below + x]! - value) * share;
  }
}

/** A row of cells along a row of pixels. */
function spread({ columns, line }: ViewTaps, row: Float64Array, add: boolean): void {
  const { runs, left, share } = columns;
  for (let k = 0; k + 1 < runs.length; k++) {
    const end = runs[k + 1]!;
    const cell = left[runs[k]!]!;
    const base = line[cell]!;
    const rise = line[cell + 1]! - base;
    if (add) for (let x = runs[k]!; x < end; x++) row[x]! += base + rise * share[x]!;
    else for (let x = runs[k]!; x < end; x++) row[x] = base + rise * share[x]!;
  }
}

function average(row: Float64Array, layers: Uint8Array, at: number): void {
  for (let x = 0; x < row.length; x++) if (layers[at + x]! > 1) row[x]! /= layers[at + x]!;
}

function layersOf(views: readonly ViewTaps[], height: number, width: number): Uint8Array | null {
  if (views.length === 1 && coversAll(views[0]!, height, width)) return null;
  const layers = new Uint8Array(height * width);
  for (const { rows, columns } of views) {
    for (let y = rows.from; y < rows.to; y++) {
      for (let i = y * width + columns.from; i < y * width + columns.to; i++) layers[i]!++;
    }
  }
  return layers;
}

/** First and last row of every run of every view: in between, each pixel is linear downwards. */
function turningRows(views: readonly ViewTaps[]): number[] {
  const rows = views.flatMap(({ rows: { runs } }) => Array.from(runs).flatMap((at) => [at - 1, at]));
  const last = Math.max(0, ...views.map(({ rows: { to } }) => to - 1));
  return [...new Set(rows)].filter((y) => y >= 0 && y <= last).sort((a, b) => a - b);
}

function coversAll({ rows, columns }: ViewTaps, height: number, width: number): boolean {
  return rows.from === 0 && columns.from === 0 && rows.to === height && columns.to === width;
}

function scaled(edges: number[], factor: number): number[] {
  return factor === 1 ? edges : edges.map((edge) => edge * factor);
}
