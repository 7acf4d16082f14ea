import { figure, type Values } from "./chart/frame";
import { linear, shown, type Scale } from "./chart/scales";
import { svg } from "./chart/svg";
import type { BarsBlock } from "../format/types";

type Bar = BarsBlock["items"][number];

const ROW = 30;
const TOP = 8;
const LETTER = 7.6; // pixels of one letter at 13 pixels, about
const STRONG = 8.8; // of a bold one

/** Lying bars with names at the left and values at the right; whiskers are intervals, a dashed line is chance. */
export function drawBars(block: BarsBlock): HTMLElement {
  return figure({
    title: block.title,
    caption: block.caption,
    draw: (width) => plot(block, width),
    values: valuesOf(block),
  });
}

function plot(block: BarsBlock, width: number): SVGElement {
  const left = Math.min(
    width * 0.45,
    12 + Math.max(4 * LETTER, ...block.items.map((item) => item.name.length * letterOf(item))),
  );
  const right = width - 16 - LETTER * Math.max(5, ...block.items.map((item) => reading(item, block).length));
  const scale = linear(domain(block), [left, right]);
  const chance = block.chance;
  const height = TOP + ROW * block.items.length + (chance === null ? 6 : 24);
  const label = `${block.title}: ${block.items.map((item) => `${item.name} ${reading(item, block)}`).join("; ")}`;
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label }, [
    ...block.items.map((item, at) => row(item, block, scale, TOP + at * ROW, { left, right })),
    ...(chance === null ? [] : chanceLine(chance, block, scale, height)),
  ]);
}

function row(
  item: Bar,
  block: BarsBlock,
  scale: Scale,
  y: number,
  ends: { left: number; right: number },
): SVGElement {
  const parts: SVGElement[] = [
    svg("text", { class: "name", x: ends.left - 8, y: y + 19, "text-anchor": "end" }, [
      shortened(item.name, ends.left, letterOf(item)),
    ]),
    svg("rect", { class: "track", x: ends.left, y: y + 6, width: ends.right - ends.left, height: 17, rx: 2 }),
  ];
  if (item.value !== null) {
    const [from, to] = [scale(Math.max(0, scale.domain[0])), scale(item.value)].sort((a, b) => a - b) as [
      number,
      number,
    ];
    parts.push(
      svg("rect", { class: "bar", x: from, y: y + 6, width: Math.max(1, to - from), height: 17, rx: 2 }),
    );
  }
  parts.push(...whisker(item, scale, y + 14.5));
  parts.push(svg("text", { class: "value", x: ends.right + 8, y: y + 19 }, [reading(item, block)]));
  return svg("g", { class: item.strong ? "item strong" : "item" }, [svg("title", {}, [item.name]), ...parts]);
}

function whisker(item: Bar, scale: Scale, y: number): SVGElement[] {
  if (typeof item.low !== "number" || typeof item.high !== "number" || item.low === item.high) return [];
  const [low, high] = [scale(item.low).toFixed(1), scale(item.high).toFixed(1)];
  return [svg("path", { class: "whisker", d: `M${low} ${y}H${high}M${low} ${y - 4}v8M${high} ${y - 4}v8` })];
}

function chanceLine(chance: number, block: BarsBlock, scale: Scale, height: number): SVGElement[] {
  const x = scale(chance);
  const bottom = TOP + ROW * block.items.length;
  return [
    svg("line", { class: "chance", x1: x, x2: x, y1: TOP, y2: bottom }),
    svg("text", { class: "tick", x, y: height - 6, "text-anchor": "middle" }, [
      `chance ${withUnit(chance, block)}`,
    ]),
  ];
}

/** Bars begin at zero: their length is what is read. */
function domain(block: BarsBlock): [number, number] {
  const all = block.items.flatMap((item) => [item.value, item.low, item.high]);
  const values = [...all, block.chance].filter((value): value is number => typeof value === "number");
  const share = values.every((value) => value >= 0 && value <= 1) && values.some((value) => value > 0.5);
  return [Math.min(0, ...values), share ? 1 : Math.max(0, ...values) || 1];
}

function reading(item: Bar, block: BarsBlock): string {
  return item.value === null ? "no value" : withUnit(item.value, block);
}

function withUnit(value: number, block: BarsBlock): string {
  const text = shown(Number(value.toPrecision(3)));
  return block.unit ? `${text}${block.unit === "%" ? "" : " "}${block.unit}` : text;
}

function letterOf(item: Bar): number {
  return item.strong ? STRONG : LETTER;
}

function shortened(name: string, room: number, letter: number): string {
  const letters = Math.max(4, Math.floor((room - 8) / letter));
  return name.length > letters ? `${name.slice(0, letters - 1)}…` : name;
}

function valuesOf(block: BarsBlock): Values {
  const unit = block.unit ? ` (${block.unit})` : "";
  const text = (value: number | null | undefined): string => (typeof value === "number" ? shown(value) : "–");
  return {
    columns: ["name", `value${unit}`, "low", "high"],
    rows: block.items.map((item) => [item.name, text(item.value), text(item.low), text(item.high)]),
    words: [true, false, false, false],
  };
}
