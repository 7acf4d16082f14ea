/** Switches, sliders and selectors with their names. */

import { element, type Child } from "./dom";

/** A button that is on or off. */
export function toggle(
  name: string,
  on: boolean,
  change: (on: boolean) => void,
  title = "",
): HTMLButtonElement {
  const button = element(
    "button",
    { type: "button", class: "v-button", "aria-pressed": String(on), title: title || null },
    name,
  );
  button.addEventListener("click", () => {
    const next = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(next));
    change(next);
  });
  return button;
}

/** Show from outside whether a toggle is on. */
export function setToggle(button: HTMLButtonElement, on: boolean): void {
  button.setAttribute("aria-pressed", String(on));
}

export function button(name: string, act: () => void, title = ""): HTMLButtonElement {
  return element("button", { type: "button", class: "v-button", title: title || null, onclick: act }, name);
}

export interface SliderOptions {
  name: string;
  min: number;
  max: number;
  step?: number;
  value: number;
  /** What a value is called, said beside the slider and by screen readers. */
  say: (value: number) => string;
  change: (value: number) => void;
}

export interface Slider {
  readonly element: HTMLElement;
  readonly input: HTMLInputElement;
  /** Move it from outside, without a call of `change`. */
  set(value: number): void;
}

/** A slider with its name and its value in words. */
export function slider(options: SliderOptions): Slider {
  const { name, min, max, step = 1, value, say, change } = options;
  const input = element("input", { type: "range", min, max, step, value, "aria-label": name });
  const output = element("output", { class: "v-slider-value", "aria-hidden": "true" });
  const told = () => {
    output.textContent = say(Number(input.value));
    input.setAttribute("aria-valuetext", say(Number(input.value)));
  };
  input.addEventListener("input", () => {
    told();
    change(Number(input.value));
  });
  told();
  const set = (next: number) => {
    input.value = String(next);
    told();
  };
  return {
    element: element("label", { class: "v-slider" }, [element("span", {}, name), input, output]),
    input,
    set,
  };
}

/** A drop-down with its name. */
export function select<T extends string>(
  name: string,
  choices: readonly (readonly [T, string])[],
  chosen: T,
  change: (value: T) => void,
): HTMLElement {
  const options = choices.map(([value, text]) =>
    element("option", { value, selected: value === chosen }, text),
  );
  const box = element("select", { class: "v-select", "aria-label": name }, options);
  box.addEventListener("change", () => change(box.value as T));
  return element("label", { class: "v-choice" }, [element("span", {}, name), box]);
}

/** Something folded away under a title. */
export function folded(title: string, children: Child | readonly Child[]): HTMLDetailsElement {
  return element("details", { class: "v-folded" }, [
    element("summary", {}, title),
    element("div", { class: "v-folded-inside" }, children),
  ]);
}
