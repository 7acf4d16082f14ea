import type { Context } from "../../src/blocks/registry";

export const EVIL = '<img src=x onerror="window.hit=1">&amp;<b>b</b>';
export const RTL = "\u202eقطة‏ <i>x</i>";

/** A context whose pictures have an address of their number and whose arrays are given. */
export function fakeContext(arrays: { shape: number[]; values: number[] }[] = []): Context {
  return {
    imageUrl: (ref: { $array: number }) => `blob:picture-${ref.$array}`,
    numbers: (ref: { $array: number }) => arrays[ref.$array] ?? { shape: [0], values: [] },
  } as unknown as Context;
}
