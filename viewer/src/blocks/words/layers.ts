/** Which layers a word is read at: one, or the mean of a range. */

import type { Tensor, WordsBlock } from "../../format/types";
import { rowOf, valuesOf } from "../../format/tensor";
import { cellCount } from "../../paint/views";

/** A layer from 0, or null for the mean over the block's range. */
export type LayerChoice = number | null;

/** A word from 0, or null for all of them. */
export type WordChoice = number | null;

export class WordRows {
  /** How many layers there are. */
  readonly layers: number;
  private readonly cells: number;
  private readonly scale: Float32Array;

  constructor(private readonly block: WordsBlock) {
    this.layers = block.share.shape[1] ?? 0;
    this.cells = cellCount(block.cells);
    this.scale = valuesOf(block.scale);
  }

  /** Layers that a choice stands for, first to last. */
  chosen(choice: LayerChoice): number[] {
    const [first, last] = choice === null ? this.block.layers : [choice, choice];
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  }

  /** (cells,): what a word looked at; null where no layer of the choice kept rows. */
  mapOf(word: number, choice: LayerChoice): Float32Array | null {
    const kept = this.chosen(choice).filter(
      (layer) => !Number.isNaN(this.scale[word * this.layers + layer]!),
    );
    if (!kept.length) return null;
    const values = new Float32Array(this.cells);
    for (const layer of kept) {
      const index = word * this.layers + layer;
      const row = rowOf(this.block.rows, index, this.cells);
      const factor = this.scale[index]! / kept.length;
      for (let cell = 0; cell < this.cells; cell++) values[cell]! += row[cell]! * factor;
    }
    return values;
  }

  /** A share of a word (or of all on average), mean over the layers of a choice. */
  share(tensor: Tensor, word: WordChoice, choice: LayerChoice): number {
    if (word === null) {
      const shares = this.block.words.map((_, index) => this.share(tensor, index, choice));
      return shares.reduce((sum, share) => sum + share, 0) / shares.length;
    }
    const values = valuesOf(tensor, word * this.layers, (word + 1) * this.layers);
    // a layer that has no attention rows has no share
    const layers = this.chosen(choice).filter((layer) => !Number.isNaN(values[layer]!));
    return layers.reduce((sum, layer) => sum + values[layer]!, 0) / layers.length;
  }
}
