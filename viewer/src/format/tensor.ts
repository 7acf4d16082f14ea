/** Arrays and pictures of a view, as they lie in its blob. */

import { decodeHalf } from "./float16";

/** Element types that a view may hold; float16 stays packed until it is read. */
export type Dtype = "float16" | "float32" | "uint8" | "int32";

/** A C-ordered array; for float16 `data` holds the bits. */
export interface Tensor {
  readonly kind: "tensor";
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: Uint16Array | Float32Array | Uint8Array | Int32Array;
}

/** An encoded picture. */
export interface Picture {
  readonly kind: "picture";
  readonly mime: "image/jpeg" | "image/png";
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Values `start` to `end` as float32: a copy for float16, a window onto the blob otherwise. */
export function valuesOf(tensor: Tensor, start = 0, end = tensor.data.length): Float32Array {
  const part = tensor.data.subarray(start, end);
  if (part instanceof Float32Array) return part;
  if (tensor.dtype === "float16") return decodeHalf(part as Uint16Array);
  return Float32Array.from(part);
}

/** Row `index` of an array whose last axis holds `length` values. */
export function rowOf(tensor: Tensor, index: number, length: number): Float32Array {
  return valuesOf(tensor, index * length, (index + 1) * length);
}
