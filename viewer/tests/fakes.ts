/** What jsdom lacks: a canvas that keeps its pixels, and decoded pictures. */

import { vi } from "vitest";
import { mount, type Mounted } from "../src/mount";
import type { Block, Cells, Picture, Scene, Tensor, View } from "../src/format/types";

interface FakeContext {
  pixels: Uint8ClampedArray | null;
  cleared: number[][];
  drawn: unknown[];
}

const contexts = new WeakMap<HTMLCanvasElement, FakeContext>();

/** What was drawn on a canvas. */
export function contextOf(canvas: Element): FakeContext {
  return contexts.get(canvas as HTMLCanvasElement)!;
}

function fakeContext(canvas: HTMLCanvasElement) {
  const kept: FakeContext = contexts.get(canvas) ?? { pixels: null, cleared: [], drawn: [] };
  contexts.set(canvas, kept);
  const imageData = (width: number, height: number) => ({
    width,
    height,
    data: new Uint8ClampedArray(4 * width * height),
  });
  return {
    createImageData: imageData,
    getImageData: (_x: number, _y: number, width: number, height: number) => imageData(width, height),
    putImageData: (image: { data: Uint8ClampedArray }) => (kept.pixels = image.data.slice()),
    clearRect: (...place: number[]) => kept.cleared.push(place),
    drawImage: (image: unknown) => kept.drawn.push(image),
    fillRect: () => undefined,
    fillText: (text: string) => kept.drawn.push(text),
  };
}

HTMLCanvasElement.prototype.getContext = function (this: HTMLCanvasElement) {
  return fakeContext(this) as unknown as CanvasRenderingContext2D;
} as unknown as typeof HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.toDataURL = () => "data:image/png;base64,AA==";
HTMLCanvasElement.prototype.toBlob = function (done) {
  done(new Blob(["png"], { type: "image/png" }));
};
vi.stubGlobal("createImageBitmap", async () => ({ close: () => undefined }));

export function tensor(dtype: Tensor["dtype"], shape: number[], values: ArrayLike<number>): Tensor {
  const make = { float16: Uint16Array, float32: Float32Array, uint8: Uint8Array, int32: Int32Array }[dtype];
  return { kind: "tensor", dtype, shape, data: make.from(values) };
}

export const picture: Picture = { kind: "picture", mime: "image/png", bytes: new Uint8Array(4) };

/** Two by three cells on a picture of 400 by 600. */
export const cells: Cells = {
  size: [400, 600],
  views: [{ name: "image", y_edges: [0, 200, 400], x_edges: [0, 200, 400, 600] }],
};

export function scene(changes: Partial<Scene> = {}): Scene {
  return {
    image: picture,
    size: [400, 600],
    title: "the red ball",
    cells,
    map: tensor("float32", [6], [0, 1, 2, 3, 4, 5]),
    scale: [0, 5],
    scale_note: "stretched to its own range",
    seen: [0, 0, 600, 400],
    box: [10, 20, 200, 220],
    point: [100, 100],
    mask: null,
    instances: [],
    score: 0.61,
    score_note: "mean attention",
    chance: { name: "chance", value: 0.1 },
    evidence: [["points at", "81%"]],
    warnings: [],
    facts: [["model", "tiny"]],
    python: null,
    command: null,
    ...changes,
  };
}

export function view(...blocks: (Block | { type: string; id?: string })[]): View {
  return { format: "vlmscope-view", version: 1, vlmscope: "0.0.0", title: "Title", lead: "Lead", blocks };
}

/** A view mounted into a fresh element of the document. */
export function mounted(
  ...blocks: (Block | { type: string; id?: string })[]
): Mounted & { target: HTMLElement } {
  document.body.textContent = "";
  const target = document.createElement("main");
  target.id = "vlmscope";
  document.body.append(target);
  return { ...mount(target, view(...blocks)), target };
}

/** The frame in which things are drawn, and promises before it. */
export async function frame(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
  await new Promise((resolve) => requestAnimationFrame(resolve));
}

export function byLabel<T extends Element = HTMLElement>(within: ParentNode, label: string): T {
  const found = [...within.querySelectorAll<T>("[aria-label]")].find(
    (each) => each.getAttribute("aria-label") === label,
  );
  if (!found) throw new Error(`nothing is labelled ${label}`);
  return found;
}

export function buttonNamed(within: ParentNode, name: string): HTMLButtonElement {
  const found = [...within.querySelectorAll("button")].find((each) => each.textContent === name);
  if (!found) throw new Error(`no button is named ${name}`);
  return found;
}

export function press(target: Element, key: string, more: KeyboardEventInit = {}): void {
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
}
