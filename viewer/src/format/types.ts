/** A view: what one page, one notebook cell or one answer of the app shows. */

import type { Block } from "./blocks";

export * from "./blocks";
export type { Dtype, Picture, Tensor } from "./tensor";

export const FORMAT = "vlmscope-view";
export const VERSION = 1;

export interface View {
  format: typeof FORMAT;
  version: typeof VERSION;
  vlmscope: string;
  title: string;
  lead: string;
  /** A block of a type that this viewer does not know keeps its place; see blocks/registry.ts. */
  blocks: (Block | { type: string; id?: string })[];
}

/** Something that cannot be shown; its message is one sentence for the reader. */
export class UnreadableView extends Error {
  override name = "UnreadableView";
}
