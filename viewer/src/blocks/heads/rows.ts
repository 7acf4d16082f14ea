/** The rows of all heads: one map for each, and means of several. */

import type { HeadsBlock } from "../../format/types";
import { rowOf, valuesOf } from "../../format/tensor";
import { cellCount } from "../../paint/views";
import { headName } from "../../ui/text";
import type { ShownMap } from "../context";

export type Head = readonly [layer: number, head: number];

export class HeadRows {
  private readonly cells: number;
  private readonly scale: Float32Array;
  private readonly sinks: Uint8Array | null;

  constructor(private readonly block: HeadsBlock) {
    this.cells = cellCount(block.cells);
    this.scale = valuesOf(block.scale);
    this.sinks = block.sinks ? Uint8Array.from(valuesOf(block.sinks)) : null;
  }

  /** Whether rows of this head were kept: a layer without an attention matrix has none. */
  has([layer, head]: Head): boolean {
    return !Number.isNaN(this.scale[layer * this.block.heads + head]!);
  }

  /** How many cells are sinks. */
  get sinkCount(): number {
    return this.sinks?.reduce((sum, flag) => sum + (flag ? 1 : 0), 0) ?? 0;
  }

  /** The map of one head, or the mean of several; null where none of them has rows. */
  mapOf(heads: readonly Head[], greySinks: boolean): ShownMap | null {
    const kept = heads.filter((head) => this.has(head));
    if (!kept.length) return null;
    const values = new Float32Array(this.cells);
    for (const head of kept) this.add(head, values, 1 / kept.length);
    return { values, title: titleOf(kept), scale: null, greyed: greySinks ? this.sinks : null };
  }

  private add([layer, head]: Head, onto: Float32Array, weight: number): void {
    const index = layer * this.block.heads + head;
    const row = rowOf(this.block.rows, index, this.cells);
    const factor = this.scale[index]! * weight;
    for (let cell = 0; cell < onto.length; cell++) onto[cell]! += row[cell]! * factor;
  }
}

export function titleOf(heads: readonly Head[]): string {
  const names = heads.map(([layer, head]) => headName(layer, head));
  if (names.length === 1) return names[0]!;
  return names.length <= 6 ? `mean of ${names.join(", ")}` : `mean of ${names.length} heads`;
}
