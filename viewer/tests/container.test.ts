import { describe, expect, it } from "vitest";
import { readPacked, readPage } from "../src/format/container";
import { UnreadableView, type Picture, type Tensor } from "../src/format/types";
import { valuesOf } from "../src/format/tensor";
import fixture from "./fixtures/container.json";

const bytes = () => Uint8Array.from(atob(fixture.packed), (char) => char.charCodeAt(0));

/** The packed fixture with its document changed. */
function changed(edit: (json: string) => string): Uint8Array {
  const packed = bytes();
  const length = new DataView(packed.buffer).getUint32(12, true);
  const json = edit(new TextDecoder().decode(packed.subarray(16, 16 + length)).trimEnd());
  const text = new TextEncoder().encode(
    json + " ".repeat((8 - (new TextEncoder().encode(json).length % 8)) % 8),
  );
  const joined = new Uint8Array([...packed.subarray(0, 16), ...text, ...packed.subarray(16 + length)]);
  new DataView(joined.buffer).setUint32(12, text.length, true);
  return joined;
}

describe("a packed view", () => {
  it("comes back with every array that Python put in", () => {
    const view = readPacked(bytes());
    expect([view.title, view.lead, view.vlmscope]).toEqual(["Title", "Lead", "0.0.0"]);
    const block = view.blocks[0] as unknown as Record<string, Tensor> & { text: string };
    expect(block.text).toBe("é שלום <b>");
    for (const [name, values] of Object.entries(fixture.values)) {
      expect(Array.from(valuesOf(block[name]!)), name).toEqual(values.map(Math.fround));
    }
    expect(block["half"]!.shape).toEqual([2, 3]);
  });

  it("keeps pictures however deep they stand", () => {
    const block = readPacked(bytes()).blocks[1] as unknown as { deep: { image: Picture }[] };
    expect(block.deep[0]!.image.mime).toBe("image/jpeg");
    expect(Array.from(block.deep[0]!.image.bytes)).toEqual([0xff, 0xd8, 0xff]);
  });

  it("is read from any window of memory, aligned or not", () => {
    const shifted = new Uint8Array(bytes().length + 3);
    shifted.set(bytes(), 3);
    const view = readPacked(new DataView(shifted.buffer, 3));
    const block = view.blocks[0] as unknown as Record<string, Tensor>;
    expect(Array.from(valuesOf(block["integer"]!))).toEqual(fixture.values.integer.map(Math.fround));
  });

  it("cannot reach the prototype of what it becomes", () => {
    readPacked(bytes());
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  it.each([
    ["no view at all", () => new TextEncoder().encode("hello, this is something else"), /no packed view/],
    ["nothing", () => new Uint8Array(0), /no packed view/],
    ["a cut document", () => bytes().subarray(0, 40), /cut off/],
    ["cut arrays", () => bytes().subarray(0, bytes().length - 4), /cut off/],
    [
      "another version",
      () => {
        const b = bytes();
        b[8] = 2;
        return b;
      },
      /version 2.*reads version 1/,
    ],
    [
      "another version in the document",
      () => changed((j) => j.replace('"version": 1', '"version": 3')),
      /version 3/,
    ],
    [
      "another format",
      () => changed((j) => j.replace("vlmscope-view", "something")),
      /format says "something"/,
    ],
    [
      "a reference into nothing",
      () => changed((j) => j.replace('{"$array": 0}', '{"$array": 99}')),
      /array 99/,
    ],
    ["an unknown element type", () => changed((j) => j.replace('"float32"', '"bfloat16"')), /newer viewer/],
    [
      "a shape of another size",
      () => changed((j) => j.replace('"shape": [2, 3]', '"shape": [2, 4]')),
      /asks for 16/,
    ],
    ["no list of blocks", () => changed((j) => j.replace('"blocks"', '"stones"')), /no list of blocks/],
  ])("refuses %s in one sentence", (_, make, sentence) => {
    expect(() => readPacked(make())).toThrow(UnreadableView);
    expect(() => readPacked(make())).toThrow(sentence);
  });
});

describe("a page", () => {
  it("carries the same two parts", () => {
    const page = new DOMParser().parseFromString("<main></main>", "text/html");
    for (const [id, text] of [
      ["vlmscope-document", fixture.json],
      ["vlmscope-arrays", `\n${fixture.blob}\n`],
    ] as const) {
      const script = page.createElement("script");
      script.type = "text/plain";
      script.id = id;
      script.textContent = text;
      page.body.append(script);
    }
    expect(readPage(page)).toEqual(readPacked(bytes()));
  });

  it("may carry none", () => {
    expect(readPage(new DOMParser().parseFromString("<p>x</p>", "text/html"))).toBeNull();
  });
});
