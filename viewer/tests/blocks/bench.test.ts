import { afterEach, describe, expect, it } from "vitest";
import { benches } from "../../src/blocks/bench";
import { byLabel, contextOf, frame, mounted, scene } from "../fakes";

const placed = (type: string, more: object = {}) => ({
  block: { type, ...more },
  drawn: Object.assign(document.createElement("div"), { title: type }),
});

/** Titles of what stands in a bench, or of what stands alone. */
function layout(elements: HTMLElement[]): (string | string[])[] {
  const titles = (each: Element) =>
    Array.from(each.querySelectorAll<HTMLElement>("[title]"), (inside) => inside.title);
  return elements.map((each) => (each.className === "v-bench" ? titles(each) : each.title));
}

describe("a bench", () => {
  it("takes a scene and what is looked at on it", () => {
    const list = [
      placed("scene", { id: "a" }),
      placed("heads", { scene: "a" }),
      placed("words", { scene: "a" }),
      placed("text"),
      placed("heads", { scene: "a" }),
    ];
    expect(layout(benches(list))).toEqual([["scene", "heads", "words"], "text", "heads"]);
  });

  it("is not made for another scene's heads, or for a scene without a name", () => {
    expect(layout(benches([placed("scene", { id: "a" }), placed("heads", { scene: "b" })]))).toEqual([
      "scene",
      "heads",
    ]);
    expect(layout(benches([placed("scene"), placed("heads", { scene: undefined })]))).toEqual([
      "scene",
      "heads",
    ]);
    expect(layout(benches([placed("text", { id: "a" }), placed("heads", { scene: "a" })]))).toEqual([
      "text",
      "heads",
    ]);
  });
});

describe("a heat map", () => {
  afterEach(() => Reflect.deleteProperty(globalThis, "ResizeObserver"));

  it("is painted as wide as the screen shows it, and again when that changes", async () => {
    let resized: (entries: { contentRect: { width: number } }[]) => void = () => undefined;
    globalThis.ResizeObserver = class {
      constructor(told: typeof resized) {
        resized = told;
      }
      observe(): void {}
    } as never;
    const { target } = mounted({ type: "scene", ...scene({ size: [400, 600] }) });
    await frame();
    const heat = byLabel<HTMLCanvasElement>(target, "Heat map");
    expect([heat.width, heat.height]).toEqual([720, 480]); // enlarged to 480 pixels of the shorter side
    resized([{ contentRect: { width: 300 } }]);
    expect([heat.width, heat.height]).toEqual([300, 200]);
    expect(contextOf(heat).pixels).toHaveLength(4 * 300 * 200);
    resized([{ contentRect: { width: 5000 } }]);
    expect(heat.width).toBe(720);
  });
});
