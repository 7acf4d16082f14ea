/** A sheet over a picture, in pixels of the original image: boxes are dragged and marked on it. */

import { svg } from "../../ui/dom";
import type { Box } from "../net/messages";

const LEAST = 3; // pixels on the screen: less is a click, not a box

export class Overlay {
  readonly sheet: SVGSVGElement;
  private drawn: ((box: Box) => void) | null = null;
  private from: [number, number] | null = null;

  /** @param size (height, width) of the image in pixels. */
  constructor(private readonly size: readonly [number, number]) {
    const [height, width] = size;
    this.sheet = svg("svg", {
      class: "a-overlay",
      viewBox: `0 0 ${width} ${height}`,
      preserveAspectRatio: "none",
      "aria-hidden": true,
    });
    this.sheet.addEventListener("pointerdown", (event) => this.begin(event));
    this.sheet.addEventListener("pointermove", (event) => this.move(event));
    this.sheet.addEventListener("pointerup", (event) => this.end(event));
    this.sheet.addEventListener("pointercancel", () => (this.from = null));
  }

  /** Let boxes be dragged; null lets the pointer through again. */
  dragging(drawn: ((box: Box) => void) | null): void {
    this.drawn = drawn;
    this.sheet.classList.toggle("a-dragging", drawn !== null);
  }

  /** Show boxes: dashed ones are somebody's, solid ones the model's. */
  show(boxes: { box: Box; dashed?: boolean }[]): void {
    this.sheet.replaceChildren(...boxes.flatMap(({ box, dashed }) => lines(box, dashed ?? false)));
  }

  /** (x, y) in pixels of the image. */
  at(event: { clientX: number; clientY: number }): [number, number] {
    const place = this.sheet.getBoundingClientRect();
    const [height, width] = this.size;
    const x = ((event.clientX - place.left) / (place.width || 1)) * width;
    const y = ((event.clientY - place.top) / (place.height || 1)) * height;
    return [Math.min(width, Math.max(0, x)), Math.min(height, Math.max(0, y))];
  }

  private begin(event: PointerEvent): void {
    if (!this.drawn || event.button !== 0) return;
    event.preventDefault();
    this.sheet.setPointerCapture?.(event.pointerId);
    this.from = this.at(event);
  }

  private move(event: PointerEvent): void {
    if (this.from) this.show([{ box: between(this.from, this.at(event)), dashed: true }]);
  }

  private end(event: PointerEvent): void {
    if (!this.from) return;
    const box = between(this.from, this.at(event));
    this.from = null;
    if (this.isClick(box)) return;
    this.show([{ box, dashed: true }]);
    this.drawn?.(box);
  }

  private isClick([x0, y0, x1, y1]: Box): boolean {
    const place = this.sheet.getBoundingClientRect();
    const scale = (place.width || 1) / this.size[1];
    return (x1 - x0) * scale < LEAST || (y1 - y0) * scale < LEAST;
  }
}

function between([x, y]: [number, number], [u, v]: [number, number]): Box {
  return [Math.min(x, u), Math.min(y, v), Math.max(x, u), Math.max(y, v)];
}

/** A light line on a dark one shows on any picture. */
function lines([x0, y0, x1, y1]: Box, dashed: boolean): SVGElement[] {
  const place = { x: x0, y: y0, width: x1 - x0, height: y1 - y0 };
  return ["a-under", dashed ? "a-line a-dashed" : "a-line"].map((kind) =>
    svg("rect", { ...place, class: kind, "vector-effect": "non-scaling-stroke" }),
  );
}
