import { element } from "../../ui/dom";

const BUTTONS: [name: string, text: string, key: string, spoken?: string][] = [
  ["accept", "Accept", "a"],
  ["reject", "Reject", "r"],
  ["unsure", "Unsure", "u"],
  ["clear", "Clear", "z"],
  ["back", "←", "ArrowLeft", "Object before"],
  ["next", "→", "ArrowRight", "Next object"],
  ["look", "Look at it", "l"],
  ["save", "Download", "d"],
];

/** What can be done with the object that is shown, as buttons that name their keys. */
export function toolbar(actions: Record<string, () => void>): HTMLElement {
  const made = BUTTONS.map(([name, text, key, spoken]) => {
    const hint = key.length === 1 ? [" ", element("kbd", { "aria-hidden": true }, key)] : [];
    const attributes = { type: "button", class: "v-button", "aria-keyshortcuts": key, "aria-label": spoken };
    return element("button", { ...attributes, onclick: () => actions[name]?.() }, [text, ...hint]);
  });
  return element("div", { class: "a-decide", role: "toolbar", "aria-label": "Decide" }, made);
}
