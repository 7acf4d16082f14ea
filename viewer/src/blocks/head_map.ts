import { valuesOf as numbersOf } from "../format/tensor";
import type { HeadMapBlock } from "../format/types";
import { anchorsOf, colourAt } from "../paint/colours";
import { svg } from "./chart/svg";
import { figure, type Values } from "./chart/frame";
import { linear, shown } from "./chart/scales";

interface Grid {
  rows: number;
  columns: number;
  values: ArrayLike<number>;
  range: [number, number];
}

const ANCHORS = anchorsOf("viridis");
const TALLEST_CELL = 16;
const BAR = 74; // pixels at the right for the colour bar and its values

/** Values over layers and heads as colours, one hue path from dark to bright; rings mark chosen ones. */
export function drawHeadMap(block: HeadMapBlock): HTMLElement {
  const grid = gridOf(block);
  return figure({
    title: block.title,
    caption: block.caption,
    draw: (width) => plot(block, grid, width),
    values: valuesOf(block, grid),
  });
}

function gridOf(block: HeadMapBlock): Grid {
  const { shape } = block.values;
  const values = numbersOf(block.values);
  const finite = Array.from(values).filter(Number.isFinite);
  const range: [number, number] = finite.length ? [Math.min(...finite), Math.max(...finite)] : [0, 1];
  return { rows: shape[0] ?? 0, columns: shape[1] ?? 0, values, range };
}

function plot(block: HeadMapBlock, grid: Grid, width: number): SVGElement {
  const left = 44;
  const room = Math.min(width - left - BAR, grid.columns * 26);
  const cell = { width: room / grid.columns, height: Math.min(TALLEST_CELL, Math.max(7, 420 / grid.rows)) };
  const area = { left, top: 24, right: left + room, bottom: 24 + cell.height * grid.rows };
  const cells = svg("g", { class: "cells" }, cellsOf(grid, area, cell));
  const height = area.bottom + 44;
  const label = `${block.title || block.label}: ${grid.rows} ${block.rows_label}s by ${grid.columns} ${block.columns_label}s`;
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label }, [
    cells,
    ...rings(block, area, cell),
    ...names(block, grid, area, cell),
    ...colourBar(block, grid, area),
  ]);
}

interface Size {
  width: number;
  height: number;
}

interface Area {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

function cellsOf(grid: Grid, area: Area, cell: Size): SVGElement[] {
  const [low, high] = grid.range;
  return Array.from({ length: grid.rows * grid.columns }, (_, at) => {
    const [row, column] = [Math.floor(at / grid.columns), at % grid.columns];
    const value = grid.values[at] ?? NaN;
    const rectangle = svg("rect", {
      x: area.left + column * cell.width,
      y: area.top + row * cell.height,
      width: cell.width + 0.3, // no hair lines between neighbours
      height: cell.height + 0.3,
      ...(Number.isFinite(value) ? { fill: rgb((value - low) / (high - low || 1)) } : { class: "nothing" }),
    });
    rectangle.append(
      svg("title", {}, [`L${row}H${column}: ${Number.isFinite(value) ? shown(value) : "no value"}`]),
    );
    return rectangle;
  });
}

/** Dark under light: a ring is seen on every colour. */
function rings(block: HeadMapBlock, area: Area, cell: Size): SVGElement[] {
  const radius = Math.max(3.5, Math.min(cell.width, cell.height) * 0.55);
  return block.marked.flatMap(([row, column]) =>
    ["ring under", "ring"].map((kind) =>
      svg("circle", {
        class: kind,
        cx: area.left + (column + 0.5) * cell.width,
        cy: area.top + (row + 0.5) * cell.height,
        r: radius,
      }),
    ),
  );
}

function names(block: HeadMapBlock, grid: Grid, area: Area, cell: Size): SVGElement[] {
  const rows = steps(grid.rows, cell.height, 14).map((row) =>
    svg(
      "text",
      { class: "tick", x: area.left - 7, y: area.top + (row + 0.5) * cell.height + 4, "text-anchor": "end" },
      [String(row)],
    ),
  );
  const columns = steps(grid.columns, cell.width, 20).map((column) =>
    svg(
      "text",
      {
        class: "tick",
        x: area.left + (column + 0.5) * cell.width,
        y: area.bottom + 15,
        "text-anchor": "middle",
      },
      [String(column)],
    ),
  );
  const middle = (area.left + area.right) / 2;
  return [
    ...rows,
    ...columns,
    svg("text", { class: "label", x: 2, y: 13 }, [block.rows_label]),
    svg("text", { class: "label", x: middle, y: area.bottom + 34, "text-anchor": "middle" }, [
      block.columns_label,
    ]),
  ];
}

const STEPS = [1, 2, 4, 8, 16, 32, 64];

/** Every so many indices, so that their names keep `apart` pixels from each other. */
function steps(count: number, size: number, apart: number): number[] {
  const step = STEPS.find((each) => each * size >= apart) ?? count;
  return Array.from({ length: count }, (_, at) => at).filter((at) => at % step === 0);
}

function colourBar(block: HeadMapBlock, grid: Grid, area: Area): SVGElement[] {
  const bar = { x: area.right + 14, width: 11, slices: 40 };
  const y = linear(grid.range, [area.bottom, area.top], 5);
  const height = (area.bottom - area.top) / bar.slices;
  const slices = Array.from({ length: bar.slices }, (_, at) =>
    svg("rect", {
      x: bar.x,
      y: area.top + at * height,
      width: bar.width,
      height: height + 0.3,
      fill: rgb(1 - (at + 0.5) / bar.slices),
    }),
  );
  const ticks = y.ticks.map((value) =>
    svg("text", { class: "tick", x: bar.x + 17, y: y(value) + 4 }, [shown(value)]),
  );
  const name = svg("text", { class: "label", x: bar.x + bar.width, y: 13, "text-anchor": "end" }, [
    block.label,
  ]);
  return [svg("g", { "aria-hidden": "true" }, [...slices, ...ticks, name])];
}

function rgb(value: number): string {
  return `rgb(${colourAt(ANCHORS, value).join(" ")})`;
}

function valuesOf(block: HeadMapBlock, grid: Grid): Values {
  const columns = Array.from({ length: grid.columns }, (_, at) => String(at));
  return {
    columns: [`${block.rows_label} \\ ${block.columns_label}`, ...columns],
    rows: Array.from({ length: grid.rows }, (_, row) => [
      String(row),
      ...columns.map((_, column) => shown(grid.values[row * grid.columns + column] ?? NaN)),
    ]),
    words: [],
  };
}
