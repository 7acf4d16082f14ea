/** Views packed as the server packs them, for a server that is none. */

type Numbers = Float32Array | Uint8Array | Int32Array;
const DTYPES = new Map<unknown, string>([
  [Float32Array, "float32"],
  [Uint8Array, "uint8"],
  [Int32Array, "int32"],
]);

/** A place of an array in a document that is to be packed. */
export class Held {
  constructor(
    readonly values: Numbers,
    readonly shape: number[] = [values.length],
    readonly dtype: string = DTYPES.get(values.constructor) ?? "uint8",
  ) {}
}

export function picture(): Held {
  return new Held(Uint8Array.of(137, 80, 78, 71), [4], "image/png");
}

export function packed(title: string, blocks: unknown[]): Uint8Array<ArrayBuffer> {
  const held: Held[] = [];
  const written = JSON.parse(
    JSON.stringify(blocks, (_, value: unknown) =>
      value instanceof Held ? { $array: held.push(value) - 1 } : value,
    ),
  ) as unknown;
  const [arrays, blob] = blobOf(held);
  const document = {
    format: "vlmscope-view",
    version: 1,
    vlmscope: "0",
    title,
    lead: "",
    blocks: written,
    arrays,
  };
  const json = padded(new TextEncoder().encode(JSON.stringify(document)), 32);
  const bytes = new Uint8Array(16 + json.length + blob.length);
  bytes.set(new TextEncoder().encode("VLMSVIEW"));
  new DataView(bytes.buffer).setUint32(8, 1, true);
  new DataView(bytes.buffer).setUint32(12, json.length, true);
  bytes.set(json, 16);
  bytes.set(blob, 16 + json.length);
  return bytes;
}

function blobOf(held: Held[]): [unknown[], Uint8Array] {
  const parts = held.map(({ values }) =>
    padded(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), 0),
  );
  let offset = 0;
  const arrays = held.map(({ dtype, shape, values }, at) => {
    const entry = { dtype, shape, offset, bytes: values.byteLength };
    offset += parts[at]!.length;
    return entry;
  });
  const blob = new Uint8Array(offset);
  arrays.forEach((entry, at) => blob.set(parts[at]!, entry.offset));
  return [arrays, blob];
}

function padded(bytes: Uint8Array, fill: number): Uint8Array {
  const whole = new Uint8Array(Math.ceil(bytes.length / 8) * 8).fill(fill);
  whole.set(bytes);
  return whole;
}

/** A scene of 2 x 2 cells on a picture of 20 x 10 pixels. */
export function scene(title: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    type: "scene",
    id: "scene",
    image: picture(),
    size: [10, 20],
    title,
    cells: CELLS,
    map: new Held(Float32Array.of(0, 1, 2, 3)),
    scale: [0, 3],
    scale_note: "stretched to its own range",
    seen: [0, 0, 20, 10],
    box: [2, 2, 8, 6],
    point: [4, 4],
    mask: null,
    instances: [],
    score: 0.5,
    score_note: "",
    chance: { name: "chance", value: 0.25 },
    evidence: [["pointing", "0.9"]],
    warnings: [],
    facts: [],
    python: "vs.ground(model, image, 'x')",
    command: "vlmscope ground x",
    ...more,
  };
}

const CELLS = { size: [10, 20], views: [{ name: "image", y_edges: [0, 5, 10], x_edges: [0, 10, 20] }] };

/** Two layers of two heads over the cells of `scene`. */
export function heads(): Record<string, unknown> {
  return {
    type: "heads",
    scene: "scene",
    layers: 2,
    heads: 2,
    cells: CELLS,
    rows: new Held(new Float32Array(16).fill(0.5), [2, 2, 4]),
    scale: new Held(Float32Array.of(1, 1, 1, 1), [2, 2]),
    measures: ["mass", "entropy"].map((id) => ({
      id,
      name: id,
      unit: "",
      text: "",
      values: new Held(Float32Array.of(0.1, 0.2, 0.3, 0.4), [2, 2]),
    })),
    chosen: [[1, 0]],
    sinks: null,
    rows_name: "last text token",
    note: "",
  };
}
