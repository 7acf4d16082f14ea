/** An answer's words: what each of them looked at, layer by layer, and whether it needs the picture. */

import type { Word, WordsBlock } from "../../format/types";
import { setToggle, slider, toggle } from "../../ui/controls";
import { element, replaceAll } from "../../ui/dom";
import { figure, isolated } from "../../ui/text";
import type { Context, ShownMap } from "../context";
import { WordRows, type LayerChoice } from "./layers";
import { Shares } from "./shares";
import { Strip } from "./strip";

export function drawWords(block: WordsBlock, context: Context): HTMLElement {
  return new Words(block, context).element;
}

class Words {
  readonly element: HTMLElement;
  private readonly rows: WordRows;
  private readonly shares: Shares;
  private readonly strip: Strip;
  private readonly values = element("dl", { class: "v-facts v-word-facts" });
  private layer: LayerChoice = null;
  private locked: number | null = null;
  private passing: number | null = null;

  constructor(
    private readonly block: WordsBlock,
    private readonly context: Context,
  ) {
    this.rows = new WordRows(block);
    this.shares = new Shares(block, this.rows);
    this.strip = new Strip(block, { over: (word) => this.over(word), click: (word) => this.click(word) });
    this.element = element("section", { class: "v-words", "aria-label": "Words and what they looked at" }, [
      block.prompt ? element("p", { class: "v-prompt", dir: "auto" }, block.prompt) : null,
      this.strip.element,
      this.key(),
      this.layerControls(),
      this.shares.element,
      this.values,
      block.caveat ? element("p", { class: "v-note", dir: "auto" }, block.caveat) : null,
    ]);
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.locked !== null) this.click(this.locked);
    });
    this.show();
  }

  private over(word: number | null): void {
    this.passing = word;
    this.show();
  }

  private click(word: number): void {
    this.locked = this.locked === word ? null : word;
    this.strip.lock(this.locked);
    this.show();
    const detail = { scene: this.block.scene, word: this.locked };
    this.element.dispatchEvent(new CustomEvent("vlmscope:word", { bubbles: true, detail }));
  }

  private show(): void {
    const word = this.passing ?? this.locked;
    const scene = this.context.scenes.get(this.block.scene);
    scene?.lock(this.mapOf(this.locked));
    scene?.preview(this.mapOf(this.passing));
    this.shares.show(word, this.layer);
    this.strip.shade(
      this.block.words.map((_, index) => this.rows.share(this.block.share, index, this.layer) || 0),
    );
    replaceAll(this.values, word === null ? [] : facts(this.block.words[word]!));
  }

  private mapOf(word: number | null): ShownMap | null {
    const values = word === null ? null : this.rows.mapOf(word, this.layer);
    return (
      values && { values, title: `“${this.block.words[word!]!.text}”, ${this.layerName()}`, scale: null }
    );
  }

  private layerName(choice: LayerChoice = this.layer): string {
    const [first, last] = this.block.layers;
    return choice === null ? `mean of layers ${first} to ${last}` : `layer ${choice}`;
  }

  private layerControls(): HTMLElement {
    const [first, last] = this.block.layers;
    const mean = toggle(`Mean of layers ${first} to ${last}`, true, (on) => {
      this.toLayer(on ? null : Number(track.input.value));
      track.set(Number(track.input.value));
    });
    const track = slider({
      name: "Layer",
      min: 0,
      max: Math.max(0, this.rows.layers - 1),
      value: last,
      say: (layer) => (this.layer === null ? "–" : String(layer)),
      change: (layer) => {
        setToggle(mean, false);
        this.toLayer(layer);
        track.set(layer);
      },
    });
    return element("div", { class: "v-buttons" }, [mean, track.element]);
  }

  private toLayer(layer: LayerChoice): void {
    this.layer = layer;
    this.show();
  }

  private key(): HTMLElement | null {
    const { words } = this.block;
    const items: [boolean, string, string][] = [
      [true, "v-key-share", "how much looks at the picture"],
      [words.some((word) => word.lost), "v-key-lost", "lost without the picture"],
      [words.some((word) => word.maybe_guessed), "v-key-guessed", "maybe guessed"],
    ];
    return element(
      "p",
      { class: "v-key v-soft" },
      items
        .filter(([there]) => there)
        .map(([, kind, text]) =>
          element("span", { class: "v-key-item" }, [element("i", { class: kind }), text]),
        ),
    );
  }
}

/** The word's figures; what was not measured is left out. */
function facts(word: Word): HTMLElement[] {
  const rows: [string, number | null | undefined][] = [
    ["gained by the picture", word.gain],
    ["log probability", word.log_prob],
    ["with a blank picture", word.blank_log_prob],
    ["with the picture blocked", word.blocked_log_prob],
  ];
  return rows
    .filter(([, value]) => value !== null && value !== undefined)
    .flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, isolated(figure(value)))]);
}
