/** By what heads are coloured, and what one head's values are. */

import type { HeadsBlock, Measure } from "../../format/types";
import { valuesOf } from "../../format/tensor";
import { gradientOf } from "../../paint/colours";
import type { Memory } from "../context";
import { select } from "../../ui/controls";
import { element, replaceAll } from "../../ui/dom";
import { figure, headName, isolated } from "../../ui/text";
import type { Head } from "./rows";

export interface Shade {
  values: Float32Array;
  range: [number, number];
}

export class Measures {
  readonly element: HTMLElement;
  private current: Measure | null;
  private readonly values = new Map<string, Float32Array>();
  private readonly low = element("span");
  private readonly high = element("span");
  private readonly unit = element("span");
  private readonly text = element("p", { class: "v-caption" });

  constructor(
    private readonly block: HeadsBlock,
    private readonly change: (shade: Shade) => void,
    private readonly memory: Memory = {},
  ) {
    this.current =
      block.measures.find((measure) => measure.id === memory.measure) ?? block.measures[0] ?? null;
    for (const measure of block.measures) this.values.set(measure.id, valuesOf(measure.values));
    const bar = element("span", { class: "v-legend-bar", "aria-hidden": "true" });
    bar.style.background = gradientOf("viridis");
    const choices = block.measures.map((measure) => [measure.id, measure.name] as const);
    this.element = element(
      "div",
      { class: "v-measures" },
      this.current
        ? [
            select("Coloured by", choices, this.current.id, (id) => this.choose((this.memory.measure = id))),
            element("div", { class: "v-legend-scale" }, [this.low, bar, this.high, this.unit]),
            this.text,
          ]
        : [],
    );
  }

  /** Colour by a measure, and say what it is. */
  choose(id: string | undefined = this.current?.id): void {
    this.current = this.block.measures.find((measure) => measure.id === id) ?? null;
    if (!this.current) return;
    const values = this.values.get(this.current.id)!;
    const range = rangeOf(values);
    this.low.textContent = figure(range[0]);
    this.high.textContent = figure(range[1]);
    replaceAll(this.unit, this.current.unit ? isolated(`(${this.current.unit})`) : []);
    replaceAll(this.text, isolated(this.current.text));
    this.change({ values, range });
  }

  /** All values of a head in one line. */
  describe([layer, head]: Head): string {
    return this.block.measures
      .map((measure) => {
        const value = this.values.get(measure.id)![layer * this.block.heads + head]!;
        return `${measure.name} ${figure(value)}`;
      })
      .join(", ");
  }

  /** Name and values, for the eye. */
  line(head: Head): string {
    const values = this.describe(head);
    return values ? `${headName(...head)}: ${values}` : headName(...head);
  }
}

function rangeOf(values: Float32Array): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 0];
}
