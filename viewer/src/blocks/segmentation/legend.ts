/** Names of classes with their colours and how much of the picture each has. */

import type { SegmentationBlock } from "../../format/types";
import { element } from "../../ui/dom";
import { figure, isolated, percent } from "../../ui/text";

export interface LegendEvents {
  over(index: number | null): void;
  toggle(index: number, shown: boolean): void;
}

/** Largest first; a class without a pixel is named last, and said to have none. */
export function classLegend(
  block: SegmentationBlock,
  events: LegendEvents,
): { element: HTMLElement; mark: (index: number | null) => void } {
  const pixels = block.size[0] * block.size[1];
  const order = block.names
    .map((_, index) => index)
    .sort((a, b) => (block.areas[b] ?? 0) - (block.areas[a] ?? 0));
  const rows = new Map(order.map((index) => [index, row(block, index, pixels, events)]));
  const list = element("ul", { class: "v-classes", "aria-label": "Classes" }, [...rows.values()]);
  list.addEventListener("pointerleave", () => events.over(null));
  list.addEventListener("focusout", () => events.over(null));
  const mark = (index: number | null) =>
    rows.forEach((item, at) => item.classList.toggle("v-class-now", at === index));
  return { element: list, mark };
}

function row(block: SegmentationBlock, index: number, pixels: number, events: LegendEvents): HTMLElement {
  const swatch = element("i", { class: "v-swatch", "aria-hidden": "true" });
  const rgb = block.colours[index];
  if (rgb) swatch.style.background = `rgb(${rgb.join(" ")})`;
  const box = element("input", { type: "checkbox", checked: true });
  box.addEventListener("change", () => events.toggle(index, box.checked));
  const item = element(
    "li",
    {},
    element("label", {}, [
      box,
      swatch,
      element("span", { class: "v-class-name" }, isolated(block.names[index]!)),
      element("span", { class: "v-soft v-class-figures" }, figuresOf(block, index, pixels)),
    ]),
  );
  item.addEventListener("pointerenter", () => events.over(index));
  item.addEventListener("focusin", () => events.over(index));
  return item;
}

function figuresOf(block: SegmentationBlock, index: number, pixels: number): string {
  const area = block.areas[index] ?? 0;
  const parts = [area ? percent(area / pixels) : "no pixel"];
  const presence = block.presence?.[index];
  const confidence = block.confidence?.[index];
  if (presence !== undefined && presence !== null) parts.push(`presence ${figure(presence)}`);
  if (confidence !== undefined && confidence !== null) parts.push(`confidence ${figure(confidence)}`);
  return parts.join(" · ");
}
