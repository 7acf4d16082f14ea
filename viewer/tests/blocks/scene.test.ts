import { describe, expect, it } from "vitest";
import { jsonOf } from "../../src/blocks/scene/exports";
import { newLook } from "../../src/blocks/scene/look";
import { pngOf } from "../../src/blocks/scene/png";
import { Stage } from "../../src/blocks/scene/stage";
import { svgOf } from "../../src/blocks/scene/svg";
import { buttonNamed, byLabel, cells, contextOf, frame, mounted, press, scene, tensor } from "../fakes";

/** jsdom's Blob has no text(). */
function textOf(blob: Blob): Promise<string> {
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.readAsText(blob);
  });
}

function heatOf(root: Element): HTMLCanvasElement {
  return byLabel<HTMLCanvasElement>(root, "Heat map");
}

function remarksOf(root: Element): string[] {
  return Array.from(byLabel(root, "To know about this picture").children, (item) => item.textContent ?? "");
}

describe("a scene", () => {
  it("paints its map, brighter where values are higher", async () => {
    const { target } = mounted({ type: "scene", ...scene() });
    await frame();
    const heat = heatOf(target);
    expect(heat.getAttribute("role")).toBe("img");
    const pixels = contextOf(heat).pixels!;
    const alphaAt = (x: number, y: number) => pixels[4 * (y * heat.width + x) + 3]!;
    expect(alphaAt(2, 2)).toBe(Math.round(255 * 0.55 * 0.5));
    expect(alphaAt(heat.width - 2, heat.height - 2)).toBe(Math.round(255 * 0.55));
  });

  it("says what has to be known about the picture", async () => {
    const { target } = mounted({ type: "scene", ...scene({ evidence: null, seen: [0, 0, 300, 400] }) });
    await frame();
    expect(remarksOf(target)).toEqual([
      "stretched to its own range",
      "no evidence that these heads point",
      "the model saw 50% of the picture",
      "2 × 3 image tokens",
    ]);
    expect(target.textContent).toContain("No evidence is stored for these heads");
  });

  it("has nothing to say of heads where a method has none", async () => {
    const { target } = mounted({ type: "scene", ...scene({ evidence: [] }) });
    await frame();
    expect(remarksOf(target)).toEqual(["stretched to its own range", "2 × 3 image tokens"]);
    expect(target.textContent).not.toContain("vidence");
  });

  it("shows score, chance, warnings and facts in words", () => {
    const { target } = mounted({
      type: "scene",
      ...scene({ warnings: ["The box touches the edge."], box: null }),
    });
    expect(target.querySelector(".v-score")!.textContent).toBe("0.61 mean attentionchance: 0.1");
    expect(byLabel(target, "Warnings").textContent).toBe("The box touches the edge.");
    expect(target.textContent).toContain("No box: nothing lights up.");
    expect(target.textContent).toContain("modeltiny");
  });

  it("shows and hides each thing by its switch", async () => {
    const instances = [scene(), scene()].map((_, index) => ({
      box: [0, 0, 50, 50 + index] as [number, number, number, number],
      point: null,
      score: 1,
      mask: null,
    }));
    const mask = { size: [400, 600] as [number, number], counts: tensor("int32", [3], [10, 20, 239970]) };
    const { target } = mounted({ type: "scene", ...scene({ instances, mask, seen: [0, 0, 300, 400] }) });
    const names = ["Heat map", "Mask", "Box", "Further ones", "Point", "Token grid", "Unseen part hatched"];
    const state = Object.fromEntries(
      names.map((name) => [name, buttonNamed(target, name).getAttribute("aria-pressed")]),
    );
    expect(state).toEqual({
      ...Object.fromEntries(names.map((name) => [name, "true"])),
      "Token grid": "false",
    });
    const shown = () => target.querySelectorAll(".v-strokes > g:not([display])").length;
    const before = shown();
    for (const name of names.slice(1, 5)) buttonNamed(target, name).click();
    expect(shown()).toBe(before - 4);
    buttonNamed(target, "Heat map").click();
    await frame();
    expect(heatOf(target).hidden).toBe(true);
  });

  it("offers no switch for what is not there", () => {
    const { target } = mounted({ type: "scene", ...scene({ box: null, point: null }) });
    for (const name of ["Mask", "Box", "Point", "Further ones", "Unseen part hatched"]) {
      expect(() => buttonNamed(target, name), name).toThrow();
    }
  });

  it("leaves the hatched part to the picture", async () => {
    const { target } = mounted({ type: "scene", ...scene({ seen: [0, 0, 300, 400] }) });
    await frame();
    const width = heatOf(target).width;
    expect(contextOf(heatOf(target)).cleared).toContainEqual([
      width / 2,
      0,
      width / 2,
      heatOf(target).height,
    ]);
  });

  it("tells the page which cell was clicked", () => {
    const { target, context } = mounted({ type: "scene", id: "ball", ...scene() });
    const frameElement = target.querySelector<HTMLElement>(".v-frame")!;
    frameElement.getBoundingClientRect = () => ({ left: 100, top: 50, width: 300, height: 200 }) as DOMRect;
    const heard: unknown[] = [];
    context.root.addEventListener("vlmscope:cell", (event) => heard.push((event as CustomEvent).detail));
    frameElement.dispatchEvent(new MouseEvent("click", { clientX: 250, clientY: 175 }));
    expect(heard).toEqual([{ scene: "ball", cell: 4, x: 300, y: 250 }]);
    expect(context.scenes.get("ball")!.at(90, 60)).toBeNull();
  });

  it("is saved as PNG, SVG and JSON with what has to be known about it", async () => {
    const one = scene({ title: "<script>alert(1)</script>", evidence: null });
    const stage = new Stage(one, newLook());
    const drawn = await textOf(svgOf(one, stage, newLook().now));
    expect(drawn).toContain("&lt;script&gt;");
    expect(drawn).toContain("no evidence that these heads point");
    expect(new DOMParser().parseFromString(drawn, "image/svg+xml").querySelectorAll("image")).toHaveLength(2);
    const record = JSON.parse(await textOf(jsonOf(one, stage)));
    expect(record).toMatchObject({
      shown: one.title,
      values: [0, 1, 2, 3, 4, 5],
      scale: [0, 5],
      evidence: null,
    });
    expect(record.remarks).toContain("stretched to its own range");
    const OwnImage = globalThis.Image;
    globalThis.Image = class {
      onload: (() => void) | null = null;
      set src(_: string) {
        this.onload?.();
      }
    } as never;
    expect((await pngOf(one, stage, newLook().now)).type).toBe("image/png");
    globalThis.Image = OwnImage;
  });

  it("shows its code and copies it", async () => {
    const { target } = mounted({
      type: "scene",
      ...scene({ python: "import vlmscope", command: "vlmscope ground x" }),
    });
    const copied: string[] = [];
    Object.defineProperty(navigator, "clipboard", {
      configurable: true,
      value: { writeText: async (text: string) => void copied.push(text) },
    });
    buttonNamed(target, "Copy as Python").click();
    buttonNamed(target, "Copy as command").click();
    await frame();
    expect(copied).toEqual(["import vlmscope", "vlmscope ground x"]);
    expect(Array.from(target.querySelectorAll("pre"), (pre) => pre.textContent)).toEqual([
      "import vlmscope",
      "vlmscope ground x",
    ]);
    expect(buttonNamed(target, "Copied")).toBeTruthy();
  });

  it("takes the finest of cells that lie over each other", () => {
    const views = [...cells.views, { name: "tiles", y_edges: [0, 100], x_edges: [0, 100] }];
    const { target, context } = mounted({
      type: "scene",
      id: "s",
      ...scene({ cells: { size: [400, 600], views }, map: tensor("float32", [7], new Float32Array(7)) }),
    });
    const heard: (number | null)[] = [];
    context.root.addEventListener("vlmscope:cell", (event) => heard.push((event as CustomEvent).detail.cell));
    const frameElement = target.querySelector<HTMLElement>(".v-frame")!;
    frameElement.getBoundingClientRect = () => ({ left: 0, top: 0, width: 600, height: 400 }) as DOMRect;
    for (const at of [50, 150])
      frameElement.dispatchEvent(new MouseEvent("click", { clientX: at, clientY: at }));
    expect(heard).toEqual([6, 0]);
  });
});

describe("a token under the pointer or the keys", () => {
  const open = () => {
    const made = mounted({ type: "scene", id: "ball", ...scene() });
    const group = byLabel(made.target, "Image tokens");
    group.getBoundingClientRect = () => ({ left: 0, top: 0, width: 600, height: 400 }) as DOMRect;
    const said = () => made.target.querySelector(".v-probe")!.textContent;
    return { ...made, group, said };
  };

  it("is read out with its value", () => {
    const { group, said } = open();
    group.dispatchEvent(new MouseEvent("pointermove", { clientX: 450, clientY: 250 }));
    expect(said()).toBe("row 1, column 2: 5");
    group.dispatchEvent(new Event("pointerleave"));
    expect(said()).toBe("Point at a token to read its value.");
  });

  it("is walked to by arrows, from the peak, and chosen by Enter", () => {
    const { group, said, context } = open();
    const heard: unknown[] = [];
    context.root.addEventListener("vlmscope:cell", (event) => heard.push((event as CustomEvent).detail));
    const walk = (...keys: string[]) =>
      keys.map((key) => {
        press(group, key);
        return said();
      });
    expect(walk("ArrowRight", "ArrowRight", "ArrowDown", "ArrowDown")).toEqual([
      "row 0, column 0: 0",
      "row 0, column 1: 1",
      "row 1, column 1: 4",
      "row 1, column 1: 4",
    ]);
    press(group, "Enter");
    expect(heard).toEqual([{ scene: "ball", cell: 4, x: 300, y: 300 }]);
  });
});

describe("a comparison", () => {
  it("draws all scenes on one scale and says so", async () => {
    const scenes = [
      scene({ title: "a" }),
      scene({ title: "b", map: tensor("float32", [6], [0, 0, 0, 0, 0, 2.5]) }),
    ];
    const { target } = mounted({ type: "compare", scenes, scale: [0, 5], note: "" });
    await frame();
    const [first, second] = [...target.querySelectorAll("canvas[role=img]")].map(
      (canvas) => contextOf(canvas).pixels!,
    );
    expect(Math.max(...second!.filter((_, i) => i % 4 === 3))).toBeLessThan(
      Math.max(...first!.filter((_, i) => i % 4 === 3)),
    );
    expect(target.textContent).toContain("One scale of colours for all, from 0 to 5.");
    expect(remarksOf(target)[0]).toBe("one scale for all");
  });

  it("says that colours do not compare where each has its own scale", () => {
    const { target } = mounted({ type: "compare", scenes: [scene()], scale: null, note: "n" });
    expect(target.textContent).toContain("colours of one do not compare with colours of another");
  });

  it("has one set of switches for all of its scenes", async () => {
    const { target } = mounted({ type: "compare", scenes: [scene(), scene()], scale: null, note: "" });
    const toggle = buttonNamed(target, "Heat map");
    press(toggle, "Enter");
    toggle.click();
    await frame();
    expect(
      [...target.querySelectorAll<HTMLElement>("canvas[role=img]")].map((canvas) => canvas.hidden),
    ).toEqual([true, true]);
  });
});
