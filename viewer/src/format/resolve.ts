/** From the JSON of a view and its blob to one tree that holds its arrays. */

import type { Dtype, Picture, Tensor } from "./tensor";
import { FORMAT, UnreadableView, VERSION, type View } from "./types";

interface Entry {
  dtype: string;
  shape: number[];
  offset: number;
  bytes: number;
}

const READERS: Record<
  Dtype,
  { bytes: number; read: (b: ArrayBuffer, at: number, n: number) => Tensor["data"] }
> = {
  float16: { bytes: 2, read: (b, at, n) => new Uint16Array(b, at, n) },
  float32: { bytes: 4, read: (b, at, n) => new Float32Array(b, at, n) },
  uint8: { bytes: 1, read: (b, at, n) => new Uint8Array(b, at, n) },
  int32: { bytes: 4, read: (b, at, n) => new Int32Array(b, at, n) },
};

/**
 * Replaces every `{"$array": k}` by its array or picture.
 *
 * @param json the document's text.
 * @param blob the arrays, from offset 0; windows onto it are returned, nothing is copied.
 */
export function resolveView(json: string, blob: ArrayBuffer): View {
  const document = parsed(json);
  checkVersion(document);
  const entries = (document["arrays"] ?? []) as Entry[];
  const arrays = entries.map((entry, index) => arrayOf(entry, index, blob));
  const tree = Object.fromEntries(
    Object.entries(document)
      .filter(([name]) => name !== "arrays")
      .map(([name, value]) => [name, replaced(value, arrays)]),
  );
  if (!Array.isArray(tree["blocks"]))
    throw new UnreadableView("This view has no list of blocks; it was cut off or made by something else.");
  return tree as unknown as View;
}

function parsed(json: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json);
    if (value !== null && typeof value === "object" && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // said below, in words that a reader can use
  }
  throw new UnreadableView("The document of this view is not JSON; it was cut off or changed.");
}

function checkVersion(document: Record<string, unknown>): void {
  if (document["format"] !== FORMAT) {
    throw new UnreadableView(`This is no ${FORMAT}: its format says ${JSON.stringify(document["format"])}.`);
  }
  if (document["version"] !== VERSION) {
    throw new UnreadableView(
      `This view has version ${JSON.stringify(document["version"])} and this viewer reads version ${VERSION}; ` +
        "open it with the vlmscope that wrote it, or a newer one.",
    );
  }
}

function arrayOf(entry: Entry, index: number, blob: ArrayBuffer): Tensor | Picture {
  const { dtype, shape, offset, bytes } = entry;
  const cutOff = offset < 0 || bytes < 0 || offset + bytes > blob.byteLength;
  if (cutOff)
    throw new UnreadableView(`Array ${index} lies outside the data of this view; the file was cut off.`);
  if (dtype === "image/jpeg" || dtype === "image/png") {
    return { kind: "picture", mime: dtype, bytes: new Uint8Array(blob, offset, bytes) };
  }
  const reader = Object.hasOwn(READERS, dtype) ? READERS[dtype as Dtype] : undefined;
  if (!reader)
    throw new UnreadableView(`Array ${index} holds ${JSON.stringify(dtype)}, which needs a newer viewer.`);
  const count = shape.reduce((product, side) => product * side, 1);
  if (count * reader.bytes !== bytes || offset % reader.bytes) {
    throw new UnreadableView(
      `Array ${index} has ${bytes} bytes and its shape asks for ${count * reader.bytes}.`,
    );
  }
  return { kind: "tensor", dtype: dtype as Dtype, shape, data: reader.read(blob, offset, count) };
}

function replaced(value: unknown, arrays: (Tensor | Picture)[]): unknown {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((each) => replaced(each, arrays));
  const index = (value as Record<string, unknown>)["$array"];
  if (typeof index === "number") {
    const array = arrays[index];
    if (!array) throw new UnreadableView(`This view speaks of array ${index} and has ${arrays.length}.`);
    return array;
  }
  // fromEntries defines own properties: a key "__proto__" stays a key
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, replaced(each, arrays)]));
}
