import type { Context } from "../../src/blocks/context";
import type { Picture, Tensor, View } from "../../src/format/types";

export const EVIL = '<img src=x onerror="window.hit=1">&amp;<b>b</b>';
export const RTL = "\u202eقطة‏ <i>x</i>";

/** A context of an empty view; `gone` ends it. */
export function fakeContext(gone: AbortSignal = new AbortController().signal): Context {
  const view = {
    format: "vlmscope-view",
    version: 1,
    vlmscope: "0",
    title: "",
    lead: "",
    blocks: [],
  } as View;
  return { view, root: document.createElement("div"), scenes: new Map(), heads: new Map(), gone } as Context;
}

/** A picture that the fake of URL.createObjectURL names by its one byte. */
export function fakePicture(number: number): Picture {
  return { kind: "picture", mime: "image/png", bytes: Uint8Array.of(number) };
}

export function tensor(shape: number[], values: number[]): Tensor {
  return { kind: "tensor", dtype: "float32", shape, data: Float32Array.from(values) };
}
