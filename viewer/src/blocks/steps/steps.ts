/** A slider over steps, such as windows of blocked layers: the answer at each, and what it cost. */

import type { StepsBlock } from "../../format/types";
import { slider } from "../../ui/controls";
import { element, replaceAll, svg } from "../../ui/dom";
import { figure, isolated } from "../../ui/text";
import { changes } from "./changes";

export function drawSteps(block: StepsBlock): HTMLElement {
  return new Steps(block).element;
}

class Steps {
  readonly element: HTMLElement;
  private readonly answer = element("p", { class: "v-answer", dir: "auto" });
  private readonly values = element("div", { class: "v-step-values" });
  private readonly names: string[];

  constructor(private readonly block: StepsBlock) {
    this.names = [...new Set(block.steps.flatMap((step) => Object.keys(step.values)))];
    this.element = element("section", { class: "v-steps", "aria-label": block.name }, [
      block.steps.length ? this.slider() : element("p", { class: "v-soft" }, "No steps were run."),
      element("div", { class: "v-answers" }, [
        block.clean.text === null
          ? null
          : answerBox("As it is", element("p", { class: "v-answer", dir: "auto" }, block.clean.text)),
        block.steps.some((step) => step.text !== null) ? answerBox("At this step", this.answer) : null,
      ]),
      this.values,
      block.note ? element("p", { class: "v-caption", dir: "auto" }, block.note) : null,
    ]);
    if (block.steps.length) this.show(0);
  }

  private slider(): HTMLElement {
    return slider({
      name: this.block.name,
      min: 0,
      max: this.block.steps.length - 1,
      value: 0,
      say: (index) => this.block.steps[index]!.label,
      change: (index) => this.show(index),
    }).element;
  }

  private show(index: number): void {
    const step = this.block.steps[index]!;
    const { text } = this.block.clean;
    const parts = step.text === null ? [] : changes(text ?? step.text, step.text);
    replaceAll(
      this.answer,
      step.text === null
        ? "not generated at this step"
        : parts.map((part) =>
            part.changed ? element("mark", { class: "v-changed" }, part.text) : part.text,
          ),
    );
    if (step.text !== null && step.text.trim() === "") this.answer.textContent = "(nothing)";
    replaceAll(
      this.values,
      this.names.map((name) => this.valueRow(name, index)),
    );
  }

  /** One value over all steps as bars, this step's strong and in figures. */
  private valueRow(name: string, now: number): HTMLElement {
    const values = this.block.steps.map((step) => step.values[name] ?? null);
    const unit = this.block.units[name];
    const current = values[now];
    return element("div", { class: "v-step-value" }, [
      element("span", { class: "v-soft" }, isolated(name)),
      bars(values, now),
      element("strong", {}, `${figure(current)}${unit && current !== null ? ` ${unit}` : ""}`),
    ]);
  }
}

function answerBox(title: string, text: HTMLElement): HTMLElement {
  return element("div", { class: "v-answer-box" }, [element("p", { class: "v-small-title" }, title), text]);
}

/** Small bars from zero, up and down; the step that is shown is filled, the others are outlined. */
function bars(values: readonly (number | null)[], now: number): SVGElement {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  const low = Math.min(0, ...known);
  const high = Math.max(0, ...known);
  const y = (value: number) => (high > low ? (32 * (high - value)) / (high - low) : 32);
  const rects = values.map((value, index) => {
    if (value === null || !Number.isFinite(value))
      return svg("path", { d: `M${10 * index + 3} ${y(0) - 3}l4 -4m0 4l-4 -4`, class: "v-bar-none" });
    const [top, bottom] = [Math.min(y(value), y(0)), Math.max(y(value), y(0))];
    return svg("rect", {
      x: 10 * index + 1.5,
      y: top,
      width: 7,
      height: Math.max(1, bottom - top),
      class: index === now ? "v-bar-now" : "v-bar",
    });
  });
  const width = 10 * Math.max(1, values.length);
  return svg(
    "svg",
    { viewBox: `0 -1 ${width} 34`, class: "v-bars", width, height: 34, "aria-hidden": "true" },
    [...rects, svg("path", { d: `M0 ${y(0)}h${width}`, class: "v-bar-zero" })],
  );
}
