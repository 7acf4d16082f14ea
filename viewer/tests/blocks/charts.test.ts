import { describe, expect, it } from "vitest";
import { drawBars } from "../../src/blocks/bars";
import { drawCurves } from "../../src/blocks/curves";
import { drawDots } from "../../src/blocks/dots";
import { drawHeadMap } from "../../src/blocks/head_map";
import type { CurvesBlock } from "../../src/format/types";
import { EVIL, tensor } from "./fake_context";

const CURVES: CurvesBlock = {
  type: "curves",
  title: "Mass",
  x_label: "layer",
  y_label: "share",
  x: null,
  x_scale: "linear",
  series: [
    { name: "image", values: [[0.1, 0.05, 0.2], [0.4, 0.3, 0.5], null, [0.2, 0.1, 0.3]] },
    {
      name: EVIL,
      values: [
        [0.9, 0.9, 0.9],
        [0.6, 0.6, 0.6],
        [0.5, 0.5, 0.5],
        [0.8, 0.8, 0.8],
      ],
    },
  ],
  span: [1, 2],
  caption: "Means.",
};

function opened(figure: HTMLElement): string[][] {
  const details = figure.querySelector("details");
  if (details) details.open = true;
  details?.dispatchEvent(new Event("toggle"));
  return [...figure.querySelectorAll("tbody tr")].map((row) =>
    [...row.children].map((cell) => cell.textContent ?? ""),
  );
}

function numbers(node: Element | null | undefined, ...names: string[]): number[] {
  return names.map((name) => Number(node?.getAttribute(name)));
}

describe("curves", () => {
  const drawn = drawCurves(CURVES);

  it("shade intervals, and draw no line over what is missing", () => {
    const [first, second] = drawn.querySelectorAll(".v-plot .series");
    expect(first?.querySelectorAll(".line")).toHaveLength(2);
    expect(first?.querySelectorAll(".band")).toHaveLength(2);
    expect(first?.querySelectorAll(".marker")).toHaveLength(3);
    expect(second?.querySelectorAll(".line")).toHaveLength(1);
  });

  it("tell series apart without colour", () => {
    const lines = [...drawn.querySelectorAll(".v-chart-legend .line")].map((line) =>
      line.getAttribute("stroke-dasharray"),
    );
    const marks = [...drawn.querySelectorAll(".v-chart-legend .marker")].map((mark) => mark.tagName);
    expect(new Set(lines).size).toBe(2);
    expect(new Set(marks).size).toBe(2);
  });

  it("place higher values higher, and later ones further right", () => {
    const marks = [...drawn.querySelectorAll(".series-0 .marker")].slice(-3);
    const [low, high] = marks.map((mark) => numbers(mark, "cx", "cy"));
    expect(high?.[0]).toBeGreaterThan(low?.[0] ?? Infinity);
    expect(high?.[1]).toBeLessThan(low?.[1] ?? 0);
  });

  it("say their values as a table on demand, names as text", () => {
    expect(drawn.querySelector("table")).toBeNull();
    expect(opened(drawn)).toEqual([
      ["0", "0.1 [0.05, 0.2]", "0.9"],
      ["1", "0.4 [0.3, 0.5]", "0.6"],
      ["2", "–", "0.5"],
      ["3", "0.2 [0.1, 0.3]", "0.8"],
    ]);
    expect(drawn.querySelector("th:last-child")?.textContent).toBe(EVIL);
    expect(drawn.querySelector("img, b")).toBeNull();
  });

  it("shade the span with half a step around", () => {
    const [x, width] = numbers(drawn.querySelector(".span"), "x", "width");
    const [zero, one] = [...drawn.querySelectorAll(".v-plot .series-0 circle")].map(
      (mark) => numbers(mark, "cx")[0],
    );
    const step = (one ?? 0) - (zero ?? 0);
    expect(x).toBeCloseTo((zero ?? 0) + step / 2, 0);
    expect(width).toBeCloseTo(2 * step, 0);
  });

  it("put equal factors at equal distances on a logarithmic scale", () => {
    const values = [1, 2, 3].map((value): [number, number, number] => [value, value, value]);
    const log = drawCurves({
      ...CURVES,
      x: [1, 10, 100],
      x_scale: "log",
      span: null,
      series: [{ name: "a", values }],
    });
    const [a, b, c] = [...log.querySelectorAll(".v-plot .marker")].map((mark) => numbers(mark, "cx")[0] ?? 0);
    expect((c ?? 0) - (b ?? 0)).toBeCloseTo((b ?? 0) - (a ?? 0), 1);
    expect(log.querySelector(".v-chart-legend")).toBeNull();
    expect(log.querySelector(".span")).toBeNull();
  });

  it("draw one value, none at all, and values that are all equal", () => {
    for (const values of [
      [[5, 5, 5]],
      [],
      [null],
      [
        [2, 2, 2],
        [2, 2, 2],
      ],
    ] as (typeof CURVES)["series"][0]["values"][]) {
      const text = drawCurves({ ...CURVES, series: [{ name: "a", values }] }).innerHTML;
      expect(text).not.toMatch(/NaN|Infinity/);
    }
  });
});

describe("head map", () => {
  const drawn = drawHeadMap({
    type: "head-map",
    title: "Mass",
    label: "share",
    values: tensor([2, 3], [0, 0.5, 1, NaN, 0.25, 0.75]),
    rows_label: "layer",
    columns_label: "head",
    marked: [[1, 2]],
    caption: "",
  });

  it("has a cell per head, bright where much is, and says where nothing is", () => {
    const cells = [...drawn.querySelectorAll(".cells rect")];
    expect(cells).toHaveLength(6);
    expect(new Set(cells.map((cell) => cell.getAttribute("fill"))).size).toBe(6);
    expect(cells[3]?.getAttribute("class")).toBe("nothing");
    expect(cells[3]?.textContent).toBe("L1H0: no value");
    expect(cells[2]?.textContent).toBe("L0H2: 1");
  });

  it("rings the marked head", () => {
    const [x, y] = numbers(drawn.querySelector(".ring"), "cx", "cy");
    const cell = drawn.querySelectorAll(".cells rect")[5];
    const [left, top, width, height] = numbers(cell, "x", "y", "width", "height");
    expect(x).toBeCloseTo((left ?? 0) + (width ?? 0) / 2, 0);
    expect(y).toBeCloseTo((top ?? 0) + (height ?? 0) / 2, 0);
  });

  it("says its values", () => {
    expect(opened(drawn)).toEqual([
      ["0", "0", "0.5", "1"],
      ["1", "–", "0.25", "0.75"],
    ]);
  });
});

describe("bars", () => {
  const drawn = drawBars({
    type: "bars",
    title: "Pointing",
    unit: "%",
    items: [
      { name: "chosen", value: 80, low: 70, high: 88, strong: true },
      { name: EVIL, value: 20, low: null, high: null, strong: false },
      { name: "unmeasured", value: null, low: null, high: null, strong: false },
    ],
    chance: 12.5,
    caption: "",
  });

  it("are as long as their values", () => {
    const [first, second] = [...drawn.querySelectorAll(".bar")].map((bar) => numbers(bar, "width")[0] ?? 0);
    expect((first ?? 0) / (second ?? 1)).toBeCloseTo(4, 1);
    expect(drawn.querySelectorAll(".bar")).toHaveLength(2);
    expect(drawn.querySelectorAll(".whisker")).toHaveLength(1);
    expect(drawn.querySelectorAll(".strong")).toHaveLength(1);
  });

  it("leave their names the room that bold letters take", () => {
    const named = (strong: boolean) =>
      drawBars({
        type: "bars",
        title: "",
        unit: "",
        items: [{ name: "L2H3 of these", value: 1, low: null, high: null, strong }],
        chance: null,
        caption: "",
      }).querySelector(".name")!;
    expect(numbers(named(true), "x")[0]).toBeGreaterThan(13 * 8.5);
    expect(numbers(named(true), "x")[0]).toBeGreaterThan(numbers(named(false), "x")[0]!);
  });

  it("say their values and chance in words", () => {
    expect([...drawn.querySelectorAll(".value")].map((each) => each.textContent)).toEqual([
      "80%",
      "20%",
      "no value",
    ]);
    expect(drawn.querySelector("svg")?.textContent).toContain("chance 12.5%");
    expect(opened(drawn)[0]).toEqual(["chosen", "80", "70", "88"]);
    expect(opened(drawn)[1]?.[0]).toBe(EVIL);
    expect(drawn.querySelector("img")).toBeNull();
  });
});

describe("dots", () => {
  const drawn = drawDots({
    type: "dots",
    title: "Elbow",
    values: [0.1, 0.2, 0.6, 0.9],
    threshold: 0.5,
    x_label: "heads",
    y_label: "attention",
    caption: "",
  });

  it("fill what stays, and say where the cut is", () => {
    expect(drawn.querySelectorAll(".dot")).toHaveLength(4);
    expect(drawn.querySelectorAll(".dot.kept")).toHaveLength(2);
    expect(drawn.querySelector("svg")?.textContent).toContain("kept at or above 0.5");
    expect(drawn.querySelector("svg")?.getAttribute("aria-label")).toBe("Elbow: 2 of 4 at or above 0.5");
    expect(opened(drawn)[3]).toEqual(["3", "0.9", "yes"]);
  });
});
