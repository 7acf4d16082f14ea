/** All heads of a model for one phrase: measures at a glance, each head's map on the scene. */

import type { HeadsBlock } from "../../format/types";
import { button, toggle } from "../../ui/controls";
import { element } from "../../ui/dom";
import { isolated } from "../../ui/text";
import type { Context } from "../context";
import { HeadGrid } from "./grid";
import { Measures } from "./measures";
import { HeadRows, titleOf, type Head } from "./rows";
import { HeadSelection } from "./selection";

/** What the page hears when the locked heads change. */
export interface HeadsDetail {
  scene: string;
  locked: readonly Head[];
}

export function drawHeads(block: HeadsBlock, context: Context): HTMLElement {
  return new Heads(block, context).element;
}

class Heads {
  readonly element: HTMLElement;
  private readonly rows: HeadRows;
  private readonly grid: HeadGrid;
  private readonly measures: Measures;
  private readonly selection = new HeadSelection(() => this.showLocked());
  private readonly line = element("p", { class: "v-heads-line" });
  private greySinks = true;
  private several = false;

  constructor(
    private readonly block: HeadsBlock,
    private readonly context: Context,
  ) {
    this.rows = new HeadRows(block);
    this.measures = new Measures(
      block,
      (shade) => this.grid.paint(shade.values, shade.range),
      context.memory,
    );
    this.grid = new HeadGrid(block, (head) => this.rows.has(head), {
      over: (head) => this.over(head),
      click: (head, more) => this.click(head, more || this.several),
      describe: (head) => this.describe(head),
    });
    this.element = element("section", { class: "v-heads", "aria-label": "Attention heads" }, [
      this.measures.element,
      this.grid.element,
      this.line,
      this.buttons(),
      this.key(),
      block.note ? element("p", { class: "v-caption" }, isolated(block.note)) : null,
    ]);
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.selection.set([]);
    });
    this.measures.choose();
    this.say(null);
    context.heads.set(block.scene, {
      lock: (heads) => this.selection.set(heads),
      locked: () => this.selection.now,
    });
  }

  private over(head: Head | null): void {
    this.say(head);
    this.scene()?.preview(head ? this.rows.mapOf([head], this.greySinks) : null);
  }

  private click(head: Head, more: boolean): void {
    if (!this.rows.has(head)) return;
    this.scene()?.preview(null); // what is locked is what a click asks to see
    this.selection.click(head, more);
  }

  private showLocked(): void {
    const locked = this.selection.now;
    this.grid.lock(locked);
    this.scene()?.lock(locked.length ? this.rows.mapOf(locked, this.greySinks) : null);
    this.say(null);
    const detail: HeadsDetail = { scene: this.block.scene, locked };
    this.element.dispatchEvent(new CustomEvent("vlmscope:heads", { bubbles: true, detail }));
  }

  private describe(head: Head): string {
    if (!this.rows.has(head)) return "no rows here";
    const chosen = this.block.chosen.some(([l, h]) => l === head[0] && h === head[1]);
    return [chosen ? "chosen" : "", this.measures.describe(head)].filter(Boolean).join(", ");
  }

  /** The line beneath the grid: the head under the pointer, or what is locked. */
  private say(head: Head | null): void {
    const locked = this.selection.now;
    if (head)
      this.line.textContent = this.rows.has(head)
        ? this.measures.line(head)
        : `${titleOf([head])}: no rows here`;
    else if (locked.length) this.line.textContent = `On the picture: ${titleOf(locked)}`;
    else
      this.line.textContent =
        "Point at a head to see its map; click to keep it, shift-click for the mean of several.";
  }

  private buttons(): HTMLElement {
    const { chosen } = this.block;
    return element("div", { class: "v-buttons", role: "group", "aria-label": "Heads on the picture" }, [
      toggle("Mean of several", false, (on) => (this.several = on), "Each click adds a head or takes it out"),
      chosen.length
        ? button("Chosen heads", () => this.selection.set(chosen), "The mean of the heads that were chosen")
        : null,
      button("None", () => this.selection.set([]), "Back to the map of the phrase"),
      this.rows.sinkCount
        ? toggle("Sinks greyed", true, (on) => this.grey(on), "Tokens that draw attention whatever is asked")
        : null,
    ]);
  }

  private grey(on: boolean): void {
    this.greySinks = on;
    this.showLocked();
  }

  private key(): HTMLElement {
    const none = Array.from({ length: this.block.layers }, (_, layer) => this.rows.has([layer, 0])).includes(
      false,
    );
    return element("p", { class: "v-key v-soft" }, [
      this.block.chosen.length
        ? element("span", { class: "v-key-item" }, [element("i", { class: "v-key-chosen" }), "chosen"])
        : null,
      element("span", { class: "v-key-item" }, [element("i", { class: "v-key-locked" }), "on the picture"]),
      none
        ? element("span", { class: "v-key-item" }, [element("i", { class: "v-key-none" }), "no rows here"])
        : null,
      element("span", {}, ["rows: ", isolated(this.block.rows_name)]),
    ]);
  }

  private scene() {
    return this.context.scenes.get(this.block.scene);
  }
}
