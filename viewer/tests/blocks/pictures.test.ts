import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { drawPictures } from "../../src/blocks/pictures";
import type { PicturesBlock } from "../../src/format/types";
import { EVIL, fakeContext, fakePicture } from "./fake_context";

const BLOCK: PicturesBlock = {
  type: "pictures",
  layout: "gallery",
  items: [
    { image: fakePicture(0), width: 64, height: 48, title: EVIL, text: "first" },
    { image: fakePicture(1), width: 64, height: 48, title: "second", text: "" },
  ],
};

function press(key: string): void {
  document.querySelector("dialog")?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
}

let number = 0;

beforeEach(() => {
  number = 0;
  URL.createObjectURL = vi.fn(() => `blob:picture-${number++}`);
  URL.revokeObjectURL = vi.fn();
});

afterEach(() => document.body.replaceChildren());

describe("pictures", () => {
  it("are drawn with titles that stay text", () => {
    const drawn = drawPictures(BLOCK, fakeContext());
    expect(drawn.className).toBe("v-gallery");
    expect(drawn.querySelectorAll("img")).toHaveLength(2);
    expect(drawn.querySelector("img")?.src).toBe("blob:picture-0");
    expect(drawn.querySelector("figcaption b")?.textContent).toBe(EVIL);
    expect(drawn.querySelector("img")?.alt).toBe(EVIL);
    expect([drawn.querySelector("img")?.width, drawn.querySelector("img")?.height]).toEqual([64, 48]);
  });

  it("enlarge, walk by arrows, close by Escape and give the focus back", () => {
    const drawn = drawPictures(BLOCK, fakeContext());
    document.body.append(drawn);
    const button = drawn.querySelectorAll("button")[0];
    button?.focus();
    button?.click();
    const image = (): string | undefined => document.querySelector<HTMLImageElement>("dialog img")?.src;
    expect(image()).toBe("blob:picture-0");
    press("ArrowRight");
    expect(image()).toBe("blob:picture-1");
    expect(document.querySelector("dialog p")?.textContent).toBe("2 / 2 · second");
    press("ArrowRight");
    expect(image()).toBe("blob:picture-0");
    press("ArrowLeft");
    expect(image()).toBe("blob:picture-1");
    press("Escape");
    expect(document.querySelector("dialog")).toBeNull();
    expect(document.activeElement).toBe(button);
  });

  it("give the memory of their pictures back with their view", () => {
    const controller = new AbortController();
    drawPictures(BLOCK, fakeContext(controller.signal));
    controller.abort();
    expect(URL.revokeObjectURL).toHaveBeenCalledTimes(2);
  });

  it("in a row, one alone, have no arrows", () => {
    const one = drawPictures({ ...BLOCK, layout: "row", items: BLOCK.items.slice(1) }, fakeContext());
    document.body.append(one);
    expect(one.className).toBe("v-pictures-row");
    one.querySelector("button")?.click();
    expect([...document.querySelectorAll("dialog button")].map((each) => each.textContent)).toEqual([
      "Close",
    ]);
  });
});
