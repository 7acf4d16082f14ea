/** What charts share: the figure around them, its caption, its values as a table, redrawing at a width. */

import { element } from "../../ui/dom";
import { drawTable } from "../table";

export interface Values {
  columns: string[];
  rows: string[][];
  words: boolean[];
}

export interface Chart {
  title: string;
  caption?: string;
  /** Draws at a width in pixels, so that letters keep their size on a phone. */
  draw(width: number): SVGElement;
  legend?: HTMLElement | null;
  values: Values;
}

const WIDTH = 640;
const NARROWEST = 280;
const WIDEST = 860;

export function figure(chart: Chart): HTMLElement {
  const place = element("div", { class: "v-plot" }, []);
  const caption = [chart.caption].filter((text): text is string => Boolean(text));
  const whole = element("figure", { class: "v-chart" }, [
    ...(chart.title ? [element("p", { class: "v-chart-title", dir: "auto" }, [chart.title])] : []),
    ...(chart.legend ? [chart.legend] : []),
    place,
    ...(caption.length ? [element("figcaption", { dir: "auto" }, caption)] : []),
    onDemand(chart.values),
  ]);
  redrawn(place, chart);
  return whole;
}

function redrawn(place: HTMLElement, chart: Chart): void {
  let width = WIDTH;
  place.replaceChildren(chart.draw(width));
  if (typeof ResizeObserver === "undefined") return;
  new ResizeObserver(([entry]) => {
    const room = Math.round(Math.min(WIDEST, Math.max(NARROWEST, entry?.contentRect.width ?? WIDTH)));
    if (room === width) return;
    width = room;
    place.replaceChildren(chart.draw(width));
  }).observe(place);
}

/** The same values as words, made when somebody opens them: for reading aloud, and for copying. */
function onDemand(values: Values): HTMLElement {
  const details = element("details", { class: "v-values" }, [element("summary", {}, ["Values as a table"])]);
  details.addEventListener("toggle", () => {
    if (!details.open || details.querySelector("table")) return;
    details.append(drawTable({ type: "table", ...values }));
  });
  return details;
}
