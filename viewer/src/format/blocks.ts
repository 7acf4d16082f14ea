/** The blocks of "vlmscope-view", version 1, after references to arrays have been replaced. */

import type { Picture, Tensor } from "./tensor";

export type Pair = [string, string];
/** xyxy in float pixels of the original image, far edges exclusive. */
export type Box = [number, number, number, number];
export type Point = [number, number];
/** (height, width) in pixels. */
export type Size = [number, number];

/** Rectangles of image tokens; values over them come view after view, row by row. */
export interface Cells {
  size: Size;
  views: { name: string; y_edges: number[]; x_edges: number[] }[];
}

/** A mask as row-major run lengths, the first of them of zeros. */
export interface Mask {
  size: Size;
  counts: Tensor;
}

interface Named {
  id?: string;
}

export interface HeadingBlock extends Named {
  type: "heading";
  level: 2 | 3;
  text: string;
}
export interface TextBlock extends Named {
  type: "text";
  text: string;
}
export interface NoteBlock extends Named {
  type: "note";
  text: string;
}
export interface CodeBlock extends Named {
  type: "code";
  text: string;
}
export interface FactsBlock extends Named {
  type: "facts";
  pairs: Pair[];
}

export interface TableBlock extends Named {
  type: "table";
  columns: string[];
  rows: string[][];
  words: boolean[];
  note?: string;
}

export interface PicturesBlock extends Named {
  type: "pictures";
  layout: "row" | "gallery";
  items: { image: Picture; width: number; height: number; title: string; text: string }[];
}

export interface CurvesBlock extends Named {
  type: "curves";
  title: string;
  x_label: string;
  y_label: string;
  x: number[] | null;
  x_scale: "linear" | "log";
  series: { name: string; values: ([number, number, number] | null)[] }[];
  span: [number, number] | null;
  caption: string;
}

export interface HeadMapBlock extends Named {
  type: "head-map";
  title: string;
  label: string;
  values: Tensor;
  rows_label: string;
  columns_label: string;
  marked: [number, number][];
  caption: string;
}

export interface BarsBlock extends Named {
  type: "bars";
  title: string;
  unit: string;
  items: { name: string; value: number | null; low: number | null; high: number | null; strong: boolean }[];
  chance: number | null;
  caption: string;
}

export interface DotsBlock extends Named {
  type: "dots";
  title: string;
  values: number[];
  threshold: number;
  x_label: string;
  y_label: string;
  caption: string;
}

export interface Instance {
  box: Box;
  point: Point | null;
  score: number | null;
  mask: Mask | null;
}

/** One picture with what a phrase lights up on it. */
export interface Scene extends Named {
  image: Picture;
  size: Size;
  title: string;
  cells: Cells;
  map: Tensor;
  scale: [number, number];
  scale_note: string;
  seen: Box;
  box: Box | null;
  point: Point | null;
  mask: Mask | null;
  instances: Instance[];
  score: number | null;
  score_note?: string;
  chance: { name: string; value: number } | null;
  /** Of the head set; null where it has none, and the picture says so. */
  evidence: Pair[] | null;
  warnings: string[];
  facts: Pair[];
  python?: string | null;
  command?: string | null;
}

export interface SceneBlock extends Scene {
  type: "scene";
}

export interface Measure {
  id: string;
  name: string;
  unit: string;
  text: string;
  values: Tensor;
}

/** The rows of every head for one phrase: true value = stored value times the head's scale. */
export interface HeadsBlock extends Named {
  type: "heads";
  scene: string;
  layers: number;
  heads: number;
  cells: Cells;
  rows: Tensor;
  scale: Tensor;
  measures: Measure[];
  chosen: [number, number][];
  sinks: Tensor | null;
  rows_name: string;
  note: string;
}

export interface Word {
  text: string;
  start: number;
  end: number;
  lost?: boolean | null;
  maybe_guessed?: boolean | null;
  gain?: number | null;
  log_prob?: number | null;
  blank_log_prob?: number | null;
  blocked_log_prob?: number | null;
}

export interface WordsBlock extends Named {
  type: "words";
  scene: string;
  prompt: string;
  text: string;
  words: Word[];
  cells: Cells;
  rows: Tensor;
  scale: Tensor;
  share: Tensor;
  blank_share: Tensor | null;
  other_shares: { question: Tensor; answer: Tensor } | null;
  layers: [number, number];
  caveat: string;
}

export interface StepsBlock extends Named {
  type: "steps";
  name: string;
  clean: { text: string | null };
  steps: {
    label: string;
    layers: [number, number] | null;
    text: string | null;
    values: Record<string, number | null>;
  }[];
  units: Record<string, string>;
  note: string;
}

export interface CompareBlock extends Named {
  type: "compare";
  scenes: Scene[];
  scale: [number, number] | null;
  note: string;
}

export interface SegmentationBlock extends Named {
  type: "segmentation";
  image: Picture;
  size: Size;
  names: string[];
  labels: Tensor;
  colours: [number, number, number][];
  areas: number[];
  presence: number[] | null;
  confidence: (number | null)[] | null;
  facts: Pair[];
  warnings: string[];
}

export interface DecisionsBlock extends Named {
  type: "decisions";
  key: string;
  file: Record<string, unknown>;
  items: {
    id: string;
    phrase: string;
    instance: number;
    score: number | null;
    warnings: string[];
    stratum: number;
    weight: number;
    picture: Picture | null;
    width: number;
    height: number;
    missing?: string | null;
  }[];
}

export type Block =
  | HeadingBlock
  | TextBlock
  | NoteBlock
  | CodeBlock
  | FactsBlock
  | TableBlock
  | PicturesBlock
  | CurvesBlock
  | HeadMapBlock
  | BarsBlock
  | DotsBlock
  | SceneBlock
  | HeadsBlock
  | WordsBlock
  | StepsBlock
  | CompareBlock
  | SegmentationBlock
  | DecisionsBlock;

export type BlockOf<T extends Block["type"]> = Extract<Block, { type: T }>;
