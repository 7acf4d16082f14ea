/** Series are told apart by line style and marker; colour only helps. */

import { svg } from "./svg";

const DASHES = ["none", "7 4", "7 3 1.5 3", "1.5 3"];
const SHAPES = ["circle", "square", "triangle", "diamond", "plus", "cross", "down"] as const;
export const COLOURS = 7;

/** Class names `series series-k` carry the colour, for light and for dark. */
export function seriesClass(number: number): string {
  return `series series-${number % COLOURS}`;
}

export function dash(number: number): string {
  return DASHES[number % DASHES.length] ?? "none";
}

export function marker(number: number, x: number, y: number, size = 4): SVGElement {
  const shape = SHAPES[number % SHAPES.length] ?? "circle";
  if (shape === "circle") return svg("circle", { cx: x, cy: y, r: size, class: "marker" });
  const points = OUTLINES[shape].map(([dx, dy]) => [x + dx * size, y + dy * size]);
  const steps = points.map(
    ([px, py], at) =>
      `${at % 2 && isOpen(shape) ? "L" : at && !isOpen(shape) ? "L" : "M"}${round(px)} ${round(py)}`,
  );
  return svg("path", {
    d: steps.join("") + (isOpen(shape) ? "" : "Z"),
    class: isOpen(shape) ? "marker open" : "marker",
  });
}

type Outline = Exclude<(typeof SHAPES)[number], "circle">;

const OUTLINES: Record<Outline, [number, number][]> = {
  square: [
    [-0.9, -0.9],
    [0.9, -0.9],
    [0.9, 0.9],
    [-0.9, 0.9],
  ],
  triangle: [
    [0, -1.15],
    [1.1, 0.85],
    [-1.1, 0.85],
  ],
  down: [
    [0, 1.15],
    [1.1, -0.85],
    [-1.1, -0.85],
  ],
  diamond: [
    [0, -1.25],
    [1.25, 0],
    [0, 1.25],
    [-1.25, 0],
  ],
  // pairs of ends: strokes without an inside
  plus: [
    [-1.2, 0],
    [1.2, 0],
    [0, -1.2],
    [0, 1.2],
  ],
  cross: [
    [-1, -1],
    [1, 1],
    [-1, 1],
    [1, -1],
  ],
};

function isOpen(shape: Outline): boolean {
  return shape === "plus" || shape === "cross";
}

function round(value: number | undefined): number {
  return Number((value ?? 0).toFixed(2));
}
