/** JSON that goes between the page and the server. */

/** xyxy in float pixels of the original image. */
export type Box = [number, number, number, number];
/** (layer, head). */
export type Head = [number, number];
export type Verdict = "accept" | "reject" | "unsure";

export interface Session {
  vlmscope: string;
  model: {
    id: string;
    family: string;
    kind: "decoder" | "encoder";
    layers: number | null;
    heads: number | null;
    dtype: string;
    device: string;
  };
  methods: { id: string; title: string }[];
  method: string;
  heads: Head[] | null;
  heads_source: string | null;
  limits: { bytes: number; pixels: number; phrase: number };
  folder: { name: string; images: number; objects: number } | null;
  features: { answer: boolean; knockout: boolean; steer: boolean; lens: boolean; faithfulness: boolean };
}

export interface ImageInfo {
  image: string;
  width: number;
  height: number;
  notes?: string[];
}

export interface GroundQuestion {
  image: string;
  phrase: string;
  method?: string;
  heads?: Head[];
  all_heads: boolean;
}

export interface CompareQuestion {
  image: string;
  phrase: string;
  methods?: string[];
}

export interface KnockoutQuestion {
  image: string;
  question: string;
  /** Layers that are blocked together. */
  window: number;
  edges: string;
  /** Numbers of heads in every blocked layer; all where none are named. */
  heads?: number[];
}

export interface Steered {
  clean: { text: string };
  steered: { text: string };
  strength: number;
  heads: Head[];
}

export interface Patch {
  cell: number;
  box: Box;
  heads: { head: Head; weight: number }[];
  words: { layer: number; tokens: { text: string; probability: number }[] }[];
}

export interface Places {
  waiting: number;
  running: number;
  of: number | null;
}

export interface FolderQuery {
  offset: number;
  limit: number;
  least_score: number | null;
  warning: boolean | null;
  decision: Verdict | "none" | null;
}

export interface FolderRow {
  id: string;
  /** Address of the picture, relative to the page. */
  image: string;
  /** (height, width) in pixels. */
  size?: [number, number] | null;
  phrase: string;
  instance: number;
  box: Box;
  score: number | null;
  warnings: string[];
  decision: Verdict | null;
  corrected?: Box | null;
}

export interface FolderPage {
  total: number;
  rows: FolderRow[];
}

export interface Answered {
  decision: Verdict | null;
  corrected?: Box | null;
}
