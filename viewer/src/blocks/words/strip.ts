/** The answer, word by word: each a button, marked by what losing the picture does to it. */

import type { Word, WordsBlock } from "../../format/types";
import { element } from "../../ui/dom";
import { roving } from "../../ui/roving";
import { piecesOf } from "./pieces";

export interface StripEvents {
  over(word: number | null): void;
  click(word: number): void;
}

export class Strip {
  readonly element: HTMLElement;
  private readonly buttons = new Map<number, HTMLButtonElement>();

  constructor(
    private readonly block: WordsBlock,
    events: StripEvents,
  ) {
    const pieces = piecesOf(block.text, block.words).map((piece) =>
      piece.word === null
        ? element("span", { class: "v-between" }, piece.text)
        : this.word(piece.word, piece.text, events),
    );
    this.element = element(
      "div",
      { class: "v-strip", dir: "auto", role: "group", "aria-label": "Words of the answer" },
      pieces,
    );
    const buttons = [...this.buttons.values()];
    if (buttons.length) roving(this.element, buttons, buttons.length);
    this.element.addEventListener("pointerleave", () => events.over(null));
    this.element.addEventListener("focusout", () => events.over(null));
  }

  /** Underline every word by its share, 0..1 of the largest. */
  shade(shares: readonly number[]): void {
    const most = Math.max(...shares, 1e-9);
    for (const [word, button] of this.buttons) {
      button.style.setProperty("--share", `${Math.round((100 * Math.max(0, shares[word]!)) / most)}%`);
    }
  }

  lock(word: number | null): void {
    for (const [index, button] of this.buttons) button.setAttribute("aria-pressed", String(index === word));
  }

  private word(index: number, text: string, events: StripEvents): HTMLElement {
    const word = this.block.words[index]!;
    const marks = `${word.lost ? " v-word-lost" : ""}${word.maybe_guessed ? " v-word-guessed" : ""}`;
    const button = element(
      "button",
      {
        type: "button",
        class: `v-word${marks}`,
        "aria-pressed": "false",
        "aria-description": describe(word) || null,
        onclick: () => events.click(index),
        onpointerover: () => events.over(index),
        onfocus: () => events.over(index),
      },
      text,
    );
    this.buttons.set(index, button);
    return button;
  }
}

function describe(word: Word): string {
  return [word.lost ? "lost without the picture" : "", word.maybe_guessed ? "maybe guessed" : ""]
    .filter(Boolean)
    .join(", ");
}
