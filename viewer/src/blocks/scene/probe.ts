/** One image token under the pointer or the keys, and the value that the map has there. */

import type { Scene } from "../../format/types";
import { element, svg } from "../../ui/dom";
import { figure } from "../../ui/text";
import type { ShownMap } from "../context";
import { CellIndex } from "./cells";

export interface ProbeEvents {
  /** (x, y) in original pixels of a place on the screen, or null outside. */
  at(clientX: number, clientY: number): [number, number] | null;
  shown(): ShownMap;
  /** A token was chosen, by a click or by Enter. */
  choose(detail: { cell: number | null; x: number; y: number }): void;
}

const STEPS: Record<string, [down: number, right: number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

export class Probe {
  /** Says which token it is. */
  readonly element = element("div", { class: "v-probe" });
  private readonly index: CellIndex;
  private readonly mark: SVGRectElement;
  private cell: number | null = null;

  constructor(
    frame: HTMLElement,
    scene: Scene,
    private readonly events: ProbeEvents,
  ) {
    this.index = new CellIndex(scene.cells);
    const [height, width] = scene.size;
    this.mark = svg("rect", {
      fill: "none",
      stroke: "#ffffff",
      "stroke-width": 1.5,
      "stroke-dasharray": "3 2",
      "vector-effect": "non-scaling-stroke",
      display: "none",
    });
    frame.append(
      svg(
        "svg",
        {
          class: "v-strokes",
          viewBox: `0 0 ${width} ${height}`,
          preserveAspectRatio: "none",
          "aria-hidden": "true",
        },
        this.mark,
      ),
    );
    this.listen(frame, scene);
    this.say();
  }

  /** The words for the token, again after another map is shown. */
  say(): void {
    this.element.classList.toggle("v-probe-idle", this.cell === null);
    if (this.cell === null) this.element.textContent = "Point at a token to read its value.";
    else
      this.element.textContent = `${this.index.nameOf(this.cell)}: ${figure(this.events.shown().values[this.cell])}`;
  }

  private listen(frame: HTMLElement, scene: Scene): void {
    frame.addEventListener("pointermove", (event) => this.to(this.under(event)));
    frame.addEventListener("pointerleave", () => this.to(null));
    frame.addEventListener("blur", () => this.to(null));
    frame.addEventListener("click", (event) => {
      const place = this.events.at(event.clientX, event.clientY);
      if (place) this.events.choose({ cell: this.index.at(...place), x: place[0], y: place[1] });
    });
    frame.addEventListener("keydown", (event) => this.press(event, scene));
  }

  private press(event: KeyboardEvent, scene: Scene): void {
    const step = STEPS[event.key];
    const start = this.cell ?? this.index.at(...(scene.point ?? [scene.size[1] / 2, scene.size[0] / 2])) ?? 0;
    if (step) this.to(this.cell === null ? start : this.index.beside(start, ...step));
    else if (event.key === "Enter" && this.cell !== null) this.choose(this.cell);
    else return;
    event.preventDefault();
    this.element.setAttribute("aria-live", "polite"); // read out for keys, not for every move of a pointer
  }

  private choose(cell: number): void {
    const [x0, y0, x1, y1] = this.index.boxes[cell]!;
    this.events.choose({ cell, x: (x0 + x1) / 2, y: (y0 + y1) / 2 });
  }

  private under(event: PointerEvent): number | null {
    this.element.removeAttribute("aria-live");
    const place = this.events.at(event.clientX, event.clientY);
    return place ? this.index.at(...place) : null;
  }

  private to(cell: number | null): void {
    if (cell === this.cell) return;
    this.cell = cell;
    const box = cell === null ? null : this.index.boxes[cell]!;
    if (box)
      Object.entries({ x: box[0], y: box[1], width: box[2] - box[0], height: box[3] - box[1] }).forEach(
        ([name, value]) => this.mark.setAttribute(name, String(value)),
      );
    if (box) this.mark.removeAttribute("display");
    else this.mark.setAttribute("display", "none");
    this.say();
  }
}
