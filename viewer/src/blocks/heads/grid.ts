/** A grid of heads: one canvas of colours, and over it one cell a head for pointer and keyboard. */

import type { HeadsBlock } from "../../format/types";
import { anchorsOf, colourAt } from "../../paint/colours";
import { element } from "../../ui/dom";
import { roving } from "../../ui/roving";
import { headName } from "../../ui/text";
import type { Head } from "./rows";

export interface GridEvents {
  /** The pointer or the focus came to a head, or left all of them. */
  over(head: Head | null): void;
  click(head: Head, more: boolean): void;
  /** What is said of a head by screen readers, asked when it is reached. */
  describe(head: Head): string;
}

const STEPS = 256;

export class HeadGrid {
  readonly element: HTMLElement;
  private readonly cells: HTMLElement[] = [];
  private readonly places = new Map<Element | null, number>();
  private readonly colours: HTMLCanvasElement;

  constructor(
    private readonly block: HeadsBlock,
    has: (head: Head) => boolean,
    private readonly events: GridEvents,
  ) {
    const { layers, heads } = block;
    this.colours = element("canvas", {
      class: "v-heads-colours",
      width: heads,
      height: layers,
      "aria-hidden": "true",
    });
    const rows = Array.from({ length: layers }, (_, layer) => this.row(layer, has));
    const inside = element(
      "div",
      {
        class: "v-heads-cells",
        role: "grid",
        "aria-label": "Heads",
        "aria-rowcount": layers,
        "aria-colcount": heads,
      },
      rows,
    );
    this.element = element("div", { class: "v-heads-grid" }, [
      this.numbers(heads, "v-heads-columns"),
      this.numbers(layers, "v-heads-rows"),
      element("div", { class: "v-heads-field" }, [this.colours, inside]),
    ]);
    this.element.style.setProperty("--heads", String(heads));
    this.element.style.setProperty("--layers", String(layers));
    this.listen(inside);
  }

  /** Colour every head by a measure; what is not a number stays without colour. */
  paint(values: Float32Array, [low, high]: readonly [number, number]): void {
    const context = this.colours.getContext("2d");
    if (!context) return;
    const anchors = anchorsOf("viridis");
    const table = Array.from({ length: STEPS }, (_, step) => colourAt(anchors, step / (STEPS - 1)));
    const pixels = context.createImageData(this.block.heads, this.block.layers);
    values.forEach((value, index) => {
      if (Number.isNaN(value)) return;
      const share = high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0;
      pixels.data.set([...table[Math.round(share * (STEPS - 1))]!, 255], 4 * index);
    });
    context.putImageData(pixels, 0, 0);
  }

  /** Show which heads are locked. */
  lock(heads: readonly Head[]): void {
    const locked = new Set(heads.map(([layer, head]) => layer * this.block.heads + head));
    this.cells.forEach((cell, index) => {
      const now = locked.has(index);
      // a thousand attributes are not written where two have changed
      if ((cell.getAttribute("aria-selected") === "true") !== now)
        cell.setAttribute("aria-selected", String(now));
    });
  }

  private row(layer: number, has: (head: Head) => boolean): HTMLElement {
    const chosen = new Set(this.block.chosen.filter(([l]) => l === layer).map(([, head]) => head));
    const cells = Array.from({ length: this.block.heads }, (_, head) => {
      const kind = `v-head${chosen.has(head) ? " v-head-chosen" : ""}${has([layer, head]) ? "" : " v-head-none"}`;
      return element("div", { class: kind, role: "gridcell", "aria-label": headName(layer, head) });
    });
    this.cells.push(...cells);
    return element("div", { role: "row", class: "v-heads-row", "aria-label": `layer ${layer}` }, cells);
  }

  /** Every so many numbers, so that they do not run into each other. */
  private numbers(count: number, name: string): HTMLElement {
    const step = count > 16 ? 4 : count > 8 ? 2 : 1;
    return element(
      "div",
      { class: name, "aria-hidden": "true" },
      Array.from({ length: count }, (_, index) =>
        element("span", {}, index % step === 0 ? String(index) : ""),
      ),
    );
  }

  private listen(inside: HTMLElement): void {
    this.cells.forEach((cell, index) => this.places.set(cell, index));
    const keys = roving(inside, this.cells, this.block.heads);
    const headOf = (event: Event): Head | null => {
      const index = this.places.get(event.target as Element);
      return index === undefined ? null : [Math.floor(index / this.block.heads), index % this.block.heads];
    };
    const over = (event: Event) => {
      const head = headOf(event);
      if (head) (event.target as HTMLElement).setAttribute("aria-description", this.events.describe(head));
      this.events.over(head);
    };
    inside.addEventListener("pointerover", over);
    inside.addEventListener("focusin", over);
    inside.addEventListener("pointerleave", () => this.events.over(null));
    inside.addEventListener("focusout", () => this.events.over(null));
    inside.addEventListener("click", (event) => {
      const head = headOf(event);
      if (!head) return;
      keys.to(head[0] * this.block.heads + head[1]);
      this.events.click(head, event.shiftKey);
    });
    inside.addEventListener("keydown", (event) => {
      const head = headOf(event);
      if (!head || (event.key !== "Enter" && event.key !== " ")) return;
      event.preventDefault();
      this.events.click(head, event.shiftKey);
    });
  }
}
