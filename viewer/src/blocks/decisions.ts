import type { DecisionsBlock } from "../format/types";
import { element } from "../ui/dom";
import { saveFile } from "../ui/save";
import { DecisionState, VERDICTS, localStore } from "./decisions_state";
import { objectPanel } from "./decisions_panel";
import { pictureUrl } from "../ui/picture";
import type { Context } from "./context";

/** The page of an audit: one object at a time, decided by keys or buttons, written to a file. */
export function drawDecisions(block: DecisionsBlock, context: Context): HTMLElement {
  const state = new DecisionState(block.items, localStore(block.key));
  const actions = actionsOf(block, state);
  const urls = block.items.map((item) => item.picture && pictureUrl(item.picture, context.gone));
  const panel = objectPanel(block.items, urls);
  const buttons = buttonsOf(act);
  const whole = element("section", { class: "v-decisions", "aria-label": "Decisions" }, [
    panel.whole,
    buttons.bar,
  ]);

  function show(): void {
    panel.show(state);
    buttons.named.undo.disabled = !state.canUndo;
    buttons.named.download.disabled = state.count(null) === block.items.length;
  }

  function act(name: string): void {
    actions[name]?.();
    show();
  }

  document.addEventListener("keydown", (event) => listen(event, act), { signal: context.gone });
  window.addEventListener("beforeunload", (event) => state.saved || event.preventDefault(), {
    signal: context.gone,
  });
  show();
  return whole;
}

function actionsOf(block: DecisionsBlock, state: DecisionState): Record<string, () => void> {
  return {
    accept: () => state.decide("accept"),
    reject: () => state.decide("reject"),
    unsure: () => state.decide("unsure"),
    undo: () => state.undo(),
    back: () => state.walk(-1),
    next: () => state.walk(1),
    download: () => {
      const text = state.file(block.file);
      if (text === null) return;
      saveFile("decisions.json", new Blob([text], { type: "application/json" }));
      state.saved = true;
    },
  };
}

const KEYS: Record<string, string> = {
  a: "accept",
  r: "reject",
  u: "unsure",
  z: "undo",
  Backspace: "undo",
  d: "download",
  ArrowLeft: "back",
  ArrowRight: "next",
};

function listen(event: KeyboardEvent, act: (name: string) => void): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target instanceof HTMLElement && event.target.matches("input, textarea, select")) return;
  const name = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!name) return;
  event.preventDefault();
  act(name);
}

interface Buttons {
  bar: HTMLElement;
  named: { undo: HTMLButtonElement; download: HTMLButtonElement };
}

function buttonsOf(act: (name: string) => void): Buttons {
  const named = { undo: button("undo", act), download: button("download", act) };
  const verdicts = VERDICTS.map((verdict) => button(verdict, act));
  const steps = [step("←", "back", "ArrowLeft", act), step("→", "next", "ArrowRight", act)];
  const all = [...verdicts, ...steps, named.undo, named.download];
  return { bar: element("div", { class: "v-decide", role: "toolbar", "aria-label": "Decide" }, all), named };
}

function button(name: string, act: (name: string) => void): HTMLButtonElement {
  const key = Object.keys(KEYS).find((each) => KEYS[each] === name) ?? "";
  const attributes = { type: "button", class: "v-button", "data-name": name, "aria-keyshortcuts": key };
  const children = [`${capital(name)} `, element("kbd", { "aria-hidden": "true" }, key)];
  return element("button", { ...attributes, onclick: () => act(name) }, children);
}

function step(text: string, name: string, key: string, act: (name: string) => void): HTMLButtonElement {
  const attributes = { type: "button", class: "v-button", "data-name": name, "aria-keyshortcuts": key };
  return element("button", { ...attributes, "aria-label": capital(name), onclick: () => act(name) }, text);
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
