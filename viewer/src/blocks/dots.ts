import { leftRoom, xAxis, yAxis } from "./chart/axes";
import { figure } from "./chart/frame";
import { linear, shown, wholeTicks } from "./chart/scales";
import { svg } from "./chart/svg";
import type { DotsBlock } from "../format/types";

const HEIGHT = 260;

/** Sorted values and where they were cut: what stays is filled, what goes is hollow. */
export function drawDots(block: DotsBlock): HTMLElement {
  return figure({
    title: block.title,
    caption: block.caption,
    draw: (width) => plot(block, width),
    values: {
      columns: [block.x_label, block.y_label, "kept"],
      rows: block.values.map((value, at) => [String(at), shown(value), stays(block, value) ? "yes" : "no"]),
      words: [false, false, true],
    },
  });
}

function plot(block: DotsBlock, width: number): SVGElement {
  const domain: [number, number] = [Math.min(0, ...block.values), Math.max(block.threshold, ...block.values)];
  const area = {
    left: leftRoom(linear(domain, [0, 1]).ticks),
    right: width - 12,
    top: 26,
    bottom: HEIGHT - 46,
  };
  const y = linear(domain, [area.bottom, area.top]);
  const x = linear([0, Math.max(1, block.values.length - 1)], [area.left + 6, area.right - 6]);
  const kept = block.values.filter((value) => stays(block, value)).length;
  const label = `${block.title || block.y_label}: ${kept} of ${block.values.length} at or above ${shown(block.threshold)}`;
  return svg(
    "svg",
    { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": label },
    [
      yAxis(y, area, block.y_label),
      xAxis(x, area, block.x_label, wholeTicks(x, Math.floor(width / 80))),
      svg("line", {
        class: "threshold",
        x1: area.left,
        x2: area.right,
        y1: y(block.threshold),
        y2: y(block.threshold),
      }),
      svg("text", { class: "tick", x: area.right, y: y(block.threshold) - 6, "text-anchor": "end" }, [
        `kept at or above ${shown(block.threshold)}`,
      ]),
      ...block.values.map((value, at) => dot(block, value, x(at), y(value))),
    ],
  );
}

function dot(block: DotsBlock, value: number, x: number, y: number): SVGElement {
  const mark = svg("circle", { class: stays(block, value) ? "dot kept" : "dot", cx: x, cy: y, r: 3 });
  mark.append(svg("title", {}, [shown(value)]));
  return mark;
}

function stays(block: DotsBlock, value: number): boolean {
  return value >= block.threshold;
}
