/** Cells of a geometry by number: where each lies, which one is at a place, which one is next to it. */

import type { Box, Cells } from "../../format/types";

/** xyxy of every cell, view after view, row by row. */
export function cellBoxes(cells: Cells): Box[] {
  return cells.views.flatMap(({ x_edges: x, y_edges: y }) =>
    y
      .slice(0, -1)
      .flatMap((top, row) =>
        x.slice(0, -1).map((left, column): Box => [left, top, x[column + 1]!, y[row + 1]!]),
      ),
  );
}

/** A cell by its view, from 0, and its row and column there. */
export interface CellPlace {
  view: number;
  row: number;
  column: number;
}

export class CellIndex {
  readonly boxes: readonly Box[];

  constructor(private readonly cells: Cells) {
    this.boxes = cellBoxes(cells);
  }

  /** The smallest cell at a place: tiles are finer than the view of the whole image. */
  at(x: number, y: number): number | null {
    let best: number | null = null;
    let least = Infinity;
    this.boxes.forEach(([x0, y0, x1, y1], cell) => {
      const area = (x1 - x0) * (y1 - y0);
      if (x < x0 || y < y0 || x >= x1 || y >= y1 || area >= least) return;
      best = cell;
      least = area;
    });
    return best;
  }

  /** The cell so many rows and columns on in the same view; the edge holds. */
  beside(cell: number, down: number, right: number): number {
    const { view, row, column } = this.placeOf(cell);
    const [rows, columns] = this.grid(view);
    const to = { row: clamp(row + down, rows), column: clamp(column + right, columns) };
    return cell + (to.row - row) * columns + (to.column - column);
  }

  /** "row 3, column 5", and of which view where there are several. */
  nameOf(cell: number): string {
    const { view, row, column } = this.placeOf(cell);
    const several = this.cells.views.length > 1;
    return `row ${row}, column ${column}${several ? ` of ${this.cells.views[view]!.name} (view ${view})` : ""}`;
  }

  private placeOf(cell: number): CellPlace {
    let start = 0;
    for (let view = 0; view < this.cells.views.length; view++) {
      const [rows, columns] = this.grid(view);
      if (cell < start + rows * columns)
        return { view, row: Math.floor((cell - start) / columns), column: (cell - start) % columns };
      start += rows * columns;
    }
    throw new RangeError(`there is no cell ${cell} of ${start}`);
  }

  private grid(view: number): [rows: number, columns: number] {
    const { y_edges: y, x_edges: x } = this.cells.views[view]!;
    return [y.length - 1, x.length - 1];
  }
}

function clamp(value: number, count: number): number {
  return Math.min(count - 1, Math.max(0, value));
}
