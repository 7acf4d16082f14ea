import { svg } from "./svg";
import { shown, type Scale } from "./scales";

export interface Area {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Horizontal grid lines with their values at the left. */
export function yAxis(scale: Scale, area: Area, label: string): SVGElement {
  const lines = scale.ticks.flatMap((value) => [
    svg("line", { class: "grid", x1: area.left, x2: area.right, y1: scale(value), y2: scale(value) }),
    svg("text", { class: "tick", x: area.left - 7, y: scale(value) + 4, "text-anchor": "end" }, [
      shown(value),
    ]),
  ]);
  return svg("g", { class: "axis", "aria-hidden": "true" }, [...lines, ...yLabel(label)]);
}

/** The line at the bottom, its values and what they are. */
export function xAxis(scale: Scale, area: Area, label: string, ticks: number[] = scale.ticks): SVGElement {
  const names = ticks.flatMap((value) => [
    svg("line", {
      class: "tick-line",
      x1: scale(value),
      x2: scale(value),
      y1: area.bottom,
      y2: area.bottom + 4,
    }),
    svg("text", { class: "tick", x: scale(value), y: area.bottom + 18, "text-anchor": "middle" }, [
      shown(value),
    ]),
  ]);
  const line = svg("line", {
    class: "axis-line",
    x1: area.left,
    x2: area.right,
    y1: area.bottom,
    y2: area.bottom,
  });
  const middle = (area.left + area.right) / 2;
  const words = label
    ? [svg("text", { class: "label", x: middle, y: area.bottom + 37, "text-anchor": "middle" }, [label])]
    : [];
  return svg("g", { class: "axis", "aria-hidden": "true" }, [line, ...names, ...words]);
}

/** Above the axis and level: turned letters are read with a turned head. */
function yLabel(label: string): SVGElement[] {
  return label ? [svg("text", { class: "label", x: 2, y: 13 }, [label])] : [];
}

/** Room for the widest value of the axis, in pixels. */
export function leftRoom(ticks: number[]): number {
  return 14 + 7 * Math.max(2, ...ticks.map((value) => shown(value).length));
}
