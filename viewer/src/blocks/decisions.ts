import type { ArrayRef } from "../format/types";
import { download } from "../ui/download";
import { element } from "../ui/dom";
import { DecisionState, VERDICTS, localStore, type DecisionItem } from "./decisions_state";
import { objectPanel } from "./decisions_panel";
import type { Context } from "./registry";

export interface ShownItem extends DecisionItem {
  warnings: string[];
  picture: ArrayRef | null;
  width?: number;
  height?: number;
  missing?: string | null;
}

export interface DecisionsBlock {
  type: "decisions";
  id?: string;
  key: string;
  file: Record<string, unknown>;
  items: ShownItem[];
}

const SHORTCUTS: Record<string, string> = { accept: "a", reject: "r", unsure: "u", undo: "z", download: "d" };

/** The page of an audit: one object at a time, decided by keys or buttons, written to a file. */
export function drawDecisions(block: DecisionsBlock, context: Context): HTMLElement {
  const state = new DecisionState(block.items, localStore(block.key));
  const actions = actionsOf(block, state);
  const panel = objectPanel();
  const buttons = buttonsOf(actions, act);
  const whole = element("section", { class: "decisions", "aria-label": "Decisions" }, [panel.whole, buttons.bar]);

  function show(): void {
    panel.show(block.items, state, (picture) => context.imageUrl(picture));
    buttons.named("undo").disabled = !state.canUndo;
    buttons.named("download").disabled = state.count(null) === block.items.length;
  }

  function act(name: string): void {
    actions[name]?.();
    show();
  }

  listen(whole, act);
  window.addEventListener("beforeunload", (event) => {
    if (!state.saved && whole.isConnected) event.preventDefault();
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
      download(new Blob([text], { type: "application/json" }), "decisions.json");
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

function listen(whole: HTMLElement, act: (name: string) => void): void {
  document.addEventListener("keydown", (event) => {
    if (!whole.isConnected || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.target instanceof HTMLElement && event.target.matches("input, textarea, select")) return;
    const name = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!name) return;
    event.preventDefault();
    act(name);
  });
}

interface Buttons {
  bar: HTMLElement;
  named(name: string): HTMLButtonElement;
}

function buttonsOf(actions: Record<string, () => void>, act: (name: string) => void): Buttons {
  const order = [...VERDICTS, "back", "next", "undo", "download"];
  const made = new Map(order.filter((name) => name in actions).map((name) => [name, button(name)]));
  for (const [name, each] of made) each.addEventListener("click", () => act(name));
  return {
    bar: element("div", { class: "decide", role: "toolbar", "aria-label": "Decide" }, [...made.values()]),
    named: (name) => made.get(name) ?? button(name),
  };
}

function button(name: string): HTMLButtonElement {
  if (name === "back") return step("←", "Back", "ArrowLeft");
  if (name === "next") return step("→", "Next", "ArrowRight");
  const key = SHORTCUTS[name] ?? "";
  const label = `${name[0]?.toUpperCase() ?? ""}${name.slice(1)} `;
  const kind = (VERDICTS as readonly string[]).includes(name) ? `verdict ${name}` : name;
  return element("button", { type: "button", class: kind, "aria-keyshortcuts": key }, [label, element("kbd", {}, [key])]);
}

function step(text: string, label: string, key: string): HTMLButtonElement {
  return element("button", { type: "button", class: "step", "aria-label": label, "aria-keyshortcuts": key }, [text]);
}
