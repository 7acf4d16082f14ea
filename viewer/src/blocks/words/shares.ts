/** Where a word's attention went, layer by layer: picture, question, answer. */

import type { WordsBlock } from "../../format/types";
import { element, replaceAll, svg } from "../../ui/dom";
import { isolated, percent } from "../../ui/text";
import type { LayerChoice, WordChoice, WordRows } from "./layers";

const HEIGHT = 90;

type Part = { name: string; kind: string; value: (word: WordChoice, layer: LayerChoice) => number };

export class Shares {
  readonly element = element("figure", { class: "v-shares" });
  private readonly parts: Part[];

  constructor(
    private readonly block: WordsBlock,
    private readonly rows: WordRows,
  ) {
    const part = (name: string, kind: string, tensor: WordsBlock["share"]): Part => ({
      name,
      kind,
      value: (word, layer) => rows.share(tensor, word, layer),
    });
    const others = block.other_shares;
    this.parts = [
      part("picture", "v-share-picture", block.share),
      ...(others
        ? [
            part("question", "v-share-question", others.question),
            part("answer", "v-share-answer", others.answer),
          ]
        : []),
    ];
  }

  /** The shares of a word, or of all words on average. */
  show(word: WordChoice, choice: LayerChoice): void {
    const hint = "All words on average. Point at a word to see what it looked at; click to keep it.";
    replaceAll(this.element, [
      element(
        "figcaption",
        { class: "v-soft" },
        word === null ? hint : isolated(this.block.words[word]!.text),
      ),
      this.plot(word, choice),
      this.key(word, choice),
    ]);
  }

  /** One bar a layer; the layers of the choice carry a mark above. */
  private plot(word: WordChoice, choice: LayerChoice): SVGElement {
    const step = Math.max(6, Math.min(36, 640 / this.rows.layers));
    const width = step * this.rows.layers;
    const marked = new Set(this.rows.chosen(choice));
    const bars = Array.from({ length: this.rows.layers }, (_, layer) =>
      this.bar(word, layer, step, marked.has(layer)),
    );
    const label = `Shares of attention by layer: ${this.sentence(word, choice)}`;
    const drawn = svg("svg", { viewBox: `0 -8 ${width} ${HEIGHT + 22}`, role: "img", "aria-label": label }, [
      ...bars.flat(),
      svg("text", { x: 0, y: HEIGHT + 12, class: "v-axis" }, "layer 0"),
      svg(
        "text",
        { x: width, y: HEIGHT + 12, class: "v-axis", "text-anchor": "end" },
        String(this.rows.layers - 1),
      ),
    ]);
    drawn.style.maxWidth = `${width}px`;
    return drawn;
  }

  private bar(word: WordChoice, layer: number, step: number, marked: boolean): SVGElement[] {
    let top = HEIGHT;
    const parts = this.parts.map(({ kind, value }) => {
      const height = HEIGHT * Math.min(1, Math.max(0, value(word, layer) || 0));
      top -= height;
      return svg("rect", { x: layer * step + 0.5, y: top, width: step - 1, height, class: kind });
    });
    const track = svg("rect", {
      x: layer * step + 0.5,
      y: 0,
      width: step - 1,
      height: HEIGHT,
      class: "v-share-rest",
    });
    const mark = svg("path", { d: `M${layer * step + 0.5} -4h${step - 1}`, class: "v-share-mark" });
    return [track, ...parts, ...this.blank(word, layer, step), ...(marked ? [mark] : [])];
  }

  /** What share a blank picture gets: a line across the bar. */
  private blank(word: WordChoice, layer: number, step: number): SVGElement[] {
    if (!this.block.blank_share) return [];
    const y = HEIGHT * (1 - this.rows.share(this.block.blank_share, word, layer));
    return Number.isFinite(y)
      ? [svg("path", { d: `M${layer * step} ${y}h${step}`, class: "v-share-blank" })]
      : [];
  }

  private key(word: WordChoice, choice: LayerChoice): HTMLElement {
    const items = this.parts.map(({ name, kind, value }) =>
      element("span", { class: "v-key-item" }, [
        element("i", { class: kind }),
        `${name} ${percent(value(word, choice))}`,
      ]),
    );
    const share = this.block.blank_share && this.rows.share(this.block.blank_share, word, choice);
    const blank =
      share === null || !Number.isFinite(share)
        ? null
        : element("span", { class: "v-key-item" }, [
            element("i", { class: "v-key-blank" }),
            `a blank picture ${percent(share)}`,
          ]);
    return element("p", { class: "v-key" }, [...items, blank]);
  }

  private sentence(word: WordChoice, choice: LayerChoice): string {
    return this.parts.map(({ name, value }) => `${name} ${percent(value(word, choice))}`).join(", ");
  }
}
