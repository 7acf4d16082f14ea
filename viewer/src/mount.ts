/** A view drawn into an element. */

import { benches } from "./blocks/bench";
import type { Context, Memory } from "./blocks/context";
import { drawBlock } from "./blocks/registry";
import { UnreadableView, type View } from "./format/types";
import { element, replaceAll } from "./ui/dom";
import { isolated } from "./ui/text";
import { themeToggle } from "./ui/theme";

export interface Mounted {
  readonly context: Context;
  /** Take the view away; listeners and memory of pictures go with it. */
  remove(): void;
}

export interface MountOptions {
  /** Whether the title stands above the blocks and a line about the version beneath. */
  frame?: boolean;
  /** What was chosen about the view before this one. */
  memory?: Memory;
}

/** Draw `view` in the place of whatever `target` holds. */
export function mount(target: HTMLElement, view: View, options: MountOptions = {}): Mounted {
  const controller = new AbortController();
  const root = element("div", { class: "v-view" });
  const context: Context = {
    view,
    root,
    scenes: new Map(),
    heads: new Map(),
    memory: options.memory,
    gone: controller.signal,
  };
  const blocks = benches(view.blocks.map((block) => ({ block, drawn: drawBlock(block, context) })));
  const framed = options.frame ?? true;
  replaceAll(root, [framed && header(view, target), ...blocks, framed && footer(view)]);
  target.classList.add("vlmscope");
  replaceAll(target, root);
  return {
    context,
    remove() {
      controller.abort();
      root.remove();
    },
  };
}

/** Say in `target` why there is nothing to see. */
export function mountError(target: HTMLElement, error: unknown): void {
  const text = error instanceof UnreadableView ? error.message : `The viewer failed: ${String(error)}`;
  target.classList.add("vlmscope");
  replaceAll(target, element("p", { class: "v-note", role: "alert" }, text));
}

function header(view: View, target: HTMLElement): HTMLElement {
  return element("header", { class: "v-header" }, [
    element("div", {}, [
      element("h1", {}, isolated(view.title)),
      view.lead ? element("p", { class: "v-lead", dir: "auto" }, view.lead) : null,
    ]),
    themeToggle(target),
  ]);
}

function footer(view: View): HTMLElement {
  return element("footer", { class: "v-footer" }, `Made with vlmscope ${view.vlmscope}.`);
}
