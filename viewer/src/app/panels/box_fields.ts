import { element } from "../../ui/dom";
import type { Box } from "../net/messages";

export interface BoxFields {
  whole: HTMLElement;
  get(): Box | null;
  set(box: Box): void;
  clear(): void;
}

const SIDES = ["left", "top", "right", "bottom"];

/**
 * The sides of a box in pixels, for those who do not drag.
 *
 * @param suggested a box to begin with, where there is one.
 * @param shown called with the box whenever it changes by hand.
 */
export function boxFields(suggested: () => Box | null, shown: (box: Box | null) => void): BoxFields {
  const fields = SIDES.map((side) =>
    element("input", {
      type: "number",
      min: 0,
      step: 1,
      placeholder: side,
      "aria-label": `Box ${side}`,
      oninput: () => shown(get()),
    }),
  );
  const set = (box: Box): void =>
    fields.forEach((field, at) => {
      field.value = String(Math.round(box[at] ?? 0));
    });
  const get = (): Box | null => {
    const sides = fields.map((field) => (field.value === "" ? NaN : Number(field.value)));
    const [left = NaN, top = NaN, right = NaN, bottom = NaN] = sides;
    return left < right && top < bottom ? [left, top, right, bottom] : null;
  };
  const take = (): void => {
    const box = suggested();
    if (!box) return;
    set(box);
    shown(get());
  };
  const clear = (): void => {
    for (const field of fields) field.value = "";
    shown(null);
  };
  const buttons = [button("Box of the phrase", take), button("No box", clear)];
  return {
    whole: element("fieldset", { class: "a-box" }, [element("legend", {}, "Box"), ...fields, ...buttons]),
    get,
    set,
    clear,
  };
}

function button(text: string, act: () => void): HTMLElement {
  return element("button", { type: "button", class: "v-button", onclick: act }, text);
}
