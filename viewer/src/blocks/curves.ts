import { leftRoom, xAxis, yAxis, type Area } from "./chart/axes";
import { figure, type Values } from "./chart/frame";
import { legend } from "./chart/legend";
import { dash, marker, seriesClass } from "./chart/marks";
import { linear, logarithmic, shown, wholeTicks, type Scale } from "./chart/scales";
import { svg } from "./chart/svg";
import type { CurvesBlock } from "../format/types";

type Series = CurvesBlock["series"][number];
type Measured = Series["values"][number];

const HEIGHT = 300;
const MOST_MARKERS = 60; // more would hide the line that they mark

export function drawCurves(block: CurvesBlock): HTMLElement {
  const names = block.series.map((series) => series.name);
  return figure({
    title: block.title,
    caption: block.caption,
    legend: names.length > 1 ? legend(names) : null,
    draw: (width) => plot(block, width),
    values: values(block),
  });
}

function plot(block: CurvesBlock, width: number): SVGElement {
  const places = placesOf(block);
  const rough = linear(yDomain(block), [HEIGHT, 0]);
  const area = { left: leftRoom(rough.ticks), right: width - 12, top: 26, bottom: HEIGHT - 46 };
  const y = linear(yDomain(block), [area.bottom, area.top]);
  const x = xScale(block, places, area);
  const ticks = block.x === null ? wholeTicks(x, Math.floor(width / 70)) : x.ticks;
  const label = `${block.title || block.y_label}: ${block.series.map((series) => series.name).join(", ")}`;
  return svg(
    "svg",
    { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": label },
    [
      ...span(block, x, area),
      yAxis(y, area, block.y_label),
      xAxis(x, area, block.x_label, ticks),
      ...block.series.map((series, number) => curve(series, number, places, x, y)),
    ],
  );
}

function curve(series: Series, number: number, places: number[], x: Scale, y: Scale): SVGElement {
  const runs = unbroken(series.values);
  const band = runs.map((run) => svg("path", { class: "band", d: bandPath(run, series, places, x, y) }));
  const line = runs.map((run) => {
    const points = run.map((at) => `${px(x(places[at] ?? 0))} ${px(y(series.values[at]?.[0] ?? 0))}`);
    return svg("path", { class: "line", d: `M${points.join("L")}`, "stroke-dasharray": dash(number) });
  });
  return svg("g", { class: seriesClass(number) }, [
    ...band,
    ...line,
    ...markers(series, number, places, x, y),
  ]);
}

function markers(series: Series, number: number, places: number[], x: Scale, y: Scale): SVGElement[] {
  const every = Math.ceil(series.values.length / MOST_MARKERS);
  return series.values.flatMap((value, at) => {
    const alone = !series.values[at - 1] && !series.values[at + 1];
    if (!value || (at % every !== 0 && !alone)) return [];
    const mark = marker(number, x(places[at] ?? 0), y(value[0]), 3.4);
    mark.append(svg("title", {}, [`${series.name}, ${shown(places[at] ?? 0)}: ${interval(value)}`]));
    return [mark];
  });
}

function bandPath(run: number[], series: Series, places: number[], x: Scale, y: Scale): string {
  const end = (which: 1 | 2) => (at: number) =>
    `${px(x(places[at] ?? 0))} ${px(y(series.values[at]?.[which] ?? 0))}`;
  return `M${[...run.map(end(2)), ...[...run].reverse().map(end(1))].join("L")}Z`;
}

/** Stretches without a gap, as indices: a line over a missing value would claim one. */
function unbroken(values: Measured[]): number[][] {
  const runs: number[][] = [];
  values.forEach((value, at) => {
    if (!value) return;
    const last = runs[runs.length - 1];
    if (last && last[last.length - 1] === at - 1) last.push(at);
    else runs.push([at]);
  });
  return runs;
}

function span(block: CurvesBlock, x: Scale, area: Area): SVGElement[] {
  if (!block.span) return [];
  // layers are whole numbers: half a step either side belongs to them
  const reach = block.x_scale === "linear" && placesOf(block).every(Number.isInteger) ? 0.5 : 0;
  const [low, high] = x.domain;
  const from = x(Math.max(low, block.span[0] - reach));
  const to = x(Math.min(high, block.span[1] + reach));
  return [
    svg("rect", {
      class: "span",
      x: from,
      y: area.top,
      width: Math.max(1, to - from),
      height: area.bottom - area.top,
    }),
  ];
}

function placesOf(block: CurvesBlock): number[] {
  const longest = Math.max(0, ...block.series.map((series) => series.values.length));
  return block.x ?? Array.from({ length: longest }, (_, at) => at);
}

function xScale(block: CurvesBlock, places: number[], area: Area): Scale {
  const range: [number, number] = [area.left + 6, area.right - 6];
  if (block.x_scale === "log" && places.every((place) => place > 0)) {
    return logarithmic(extent(places), range, places.length <= 8 ? places : undefined);
  }
  return linear(extent(places), range, Math.max(2, Math.floor((area.right - area.left) / 80)));
}

function yDomain(block: CurvesBlock): [number, number] {
  const [low, high] = extent(block.series.flatMap((series) => series.values.flatMap((value) => value ?? [])));
  const room = (high - low) * 0.05;
  // zero is kept as the floor where it is near: a cut axis makes small things large
  return [low >= 0 && low < high / 2 ? 0 : low - room, high + room];
}

function extent(values: number[]): [number, number] {
  const finite = values.filter(Number.isFinite);
  return finite.length ? [Math.min(...finite), Math.max(...finite)] : [0, 1];
}

function values(block: CurvesBlock): Values {
  const places = placesOf(block);
  return {
    columns: [block.x_label || "x", ...block.series.map((series) => series.name)],
    rows: places.map((place, at) => [
      shown(place),
      ...block.series.map((series) => interval(series.values[at] ?? null)),
    ]),
    words: [false, ...block.series.map(() => false)],
  };
}

function interval(value: Measured): string {
  if (!value) return "–";
  const [middle, low, high] = value;
  return low === middle && high === middle
    ? shown(middle)
    : `${shown(middle)} [${shown(low)}, ${shown(high)}]`;
}

function px(value: number): string {
  return value.toFixed(1);
}
