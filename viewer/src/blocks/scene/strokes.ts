/** Lines over a scene: box, further boxes, point, mask, grid of tokens, greyed cells. */

import type { Box, Cells, Mask, Point, Scene } from "../../format/types";
import { maskPixels, outlinePath } from "../../paint/mask";
import { svg } from "../../ui/dom";
import { cellBoxes } from "./cells";
import type { LookState } from "./look";

const PAPER = "#ffffff";
const INK = "#0c0c12";
const TURQUOISE = "#5aebdc";
const THICK = 2; // pixels of the screen

/** Every line once, in pixels of the original image; a look shows and hides them. */
export class Strokes {
  readonly element: SVGSVGElement;
  private readonly groups: Record<"mask" | "box" | "further" | "point" | "grid", SVGGElement>;
  private readonly greyed = svg("g");
  private greyedNow: Uint8Array | null = null;

  constructor(private readonly scene: Scene) {
    const [height, width] = scene.size;
    this.groups = {
      grid: svg("g", {}, gridLines(scene.cells)),
      mask: svg("g", {}, maskLines(scene.mask, THICK)),
      further: svg(
        "g",
        {},
        scene.instances
          .slice(scene.box ? 1 : 0)
          .flatMap((each, index) => further(each.box, index + (scene.box ? 2 : 1), scene, THICK / 2)),
      ),
      box: svg("g", {}, scene.box ? boxLines(scene.box, THICK) : []),
      point: svg("g", {}, scene.point ? pointMark(scene.point, Math.min(height, width) / 70) : []),
    };
    this.element = svg(
      "svg",
      {
        class: "v-strokes",
        viewBox: `0 0 ${width} ${height}`,
        preserveAspectRatio: "none",
        "aria-hidden": "true",
      },
      [this.greyed, ...Object.values(this.groups)],
    );
  }

  show(look: LookState): void {
    for (const [name, group] of Object.entries(this.groups)) {
      setShown(group, look[name as keyof typeof this.groups]);
    }
  }

  /** Grey out cells; null for none. */
  grey(cells: Uint8Array | null): void {
    if (cells === this.greyedNow) return; // every hover asks, and lines are dear to lay out
    this.greyedNow = cells;
    this.greyed.textContent = "";
    if (!cells) return;
    cellBoxes(this.scene.cells).forEach((box, cell) => {
      if (cells[cell]) this.greyed.append(...greyCell(box));
    });
  }
}

function setShown(group: SVGElement, shown: boolean): void {
  if (shown) group.removeAttribute("display");
  else group.setAttribute("display", "none");
}

/** A light line with a dark edge, so that it shows on any background. */
function twice(
  make: (attributes: Record<string, string | number>) => SVGElement,
  width: number,
  colour: string,
  dark = 1,
): SVGElement[] {
  const common = { fill: "none", "vector-effect": "non-scaling-stroke", "stroke-linejoin": "round" };
  return [
    make({ ...common, stroke: INK, "stroke-width": width + 2, "stroke-opacity": dark }),
    make({ ...common, stroke: colour, "stroke-width": width }),
  ];
}

function boxLines([x0, y0, x1, y1]: Box, width: number): SVGElement[] {
  const place = { x: x0, y: y0, width: Math.max(0, x1 - x0), height: Math.max(0, y1 - y0) };
  return twice((line) => svg("rect", { ...place, ...line }), width, PAPER);
}

function further(box: Box, number: number, scene: Scene, width: number): SVGElement[] {
  const size = Math.min(...scene.size) / 24;
  const label = {
    x: box[0] + size / 3,
    y: box[1] + size * 1.1,
    "font-size": size,
    fill: PAPER,
    stroke: INK,
    "stroke-width": size / 5,
    "paint-order": "stroke",
  };
  return [...boxLines(box, width), svg("text", label, String(number))];
}

function pointMark([cx, cy]: Point, radius: number): SVGElement[] {
  const ring = { cx, cy, r: radius };
  return [
    svg("circle", { ...ring, fill: INK }),
    ...twice((line) => svg("circle", { ...ring, ...line }), THICK, PAPER),
    svg("circle", { cx, cy, r: radius / 3, fill: PAPER }),
  ];
}

function maskLines(mask: Mask | null, width: number): SVGElement[] {
  if (!mask) return [];
  const d = outlinePath(maskPixels(mask), ...mask.size);
  return d ? twice((line) => svg("path", { d, ...line }), width, TURQUOISE) : [];
}

function gridLines(cells: Cells): SVGElement[] {
  return cells.views.map(({ x_edges: x, y_edges: y }) => {
    const down = x.map((at) => `M${at} ${y[0]!}V${y.at(-1)!}`);
    const across = y.map((at) => `M${x[0]!} ${at}H${x.at(-1)!}`);
    return svg("path", {
      d: [...down, ...across].join(""),
      fill: "none",
      stroke: PAPER,
      "stroke-opacity": 0.55,
      "stroke-width": 0.7,
      "vector-effect": "non-scaling-stroke",
    });
  });
}

function greyCell([x0, y0, x1, y1]: Box): SVGElement[] {
  return [
    svg("rect", { x: x0, y: y0, width: x1 - x0, height: y1 - y0, fill: "#8a8a92", "fill-opacity": 0.75 }),
    svg("path", {
      d: `M${x0} ${y0}L${x1} ${y1}M${x1} ${y0}L${x0} ${y1}`,
      stroke: INK,
      "stroke-opacity": 0.7,
      "stroke-width": 1,
      "vector-effect": "non-scaling-stroke",
    }),
  ];
}
