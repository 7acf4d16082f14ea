import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { drawDecisions } from "../../src/blocks/decisions";
import type { DecisionsBlock } from "../../src/format/types";
import { EVIL, RTL, fakeContext, fakePicture } from "./fake_context";

const KEY = "vlmscope-audit-0123";

const BLOCK: DecisionsBlock = {
  type: "decisions",
  key: KEY,
  file: { format: "vlmscope-decisions/1", vlmscope: "0", fingerprint: "f1", strata: [{ bin: 0 }] },
  items: [
    item({
      id: "a.png",
      phrase: EVIL,
      score: 0.123456,
      warnings: ["Look twice."],
      picture: fakePicture(0),
      width: 40,
      height: 30,
    }),
    item({ id: "b.png", phrase: RTL, score: null, missing: "No picture: gone." }),
    item({ id: "c.png", phrase: "cat", score: 0.5 }),
  ],
};

function item(values: Partial<DecisionsBlock["items"][0]>): DecisionsBlock["items"][0] {
  return {
    id: "",
    phrase: "",
    instance: 0,
    score: null,
    warnings: [],
    stratum: 0,
    weight: 2.5,
    picture: null,
    width: 0,
    height: 0,
    ...values,
  };
}

let drawn: HTMLElement;
let page: AbortController;
let blobs: Blob[];

function draw(block = BLOCK): void {
  page?.abort();
  drawn?.remove();
  page = new AbortController();
  drawn = drawDecisions(block, fakeContext(page.signal));
  document.body.append(drawn);
}

function press(key: string, more: KeyboardEventInit = {}): void {
  document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
}

function text(selector: string): string | null | undefined {
  return drawn.querySelector(selector)?.textContent;
}

beforeEach(() => {
  localStorage.clear();
  blobs = [];
  URL.createObjectURL = vi.fn((blob: Blob) => {
    if (blob.type === "application/json") blobs.push(blob);
    return "blob:file";
  }) as typeof URL.createObjectURL;
  URL.revokeObjectURL = vi.fn();
  vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(() => undefined);
  draw();
});

afterEach(() => {
  page.abort();
  drawn.remove();
  vi.restoreAllMocks();
});

describe("an object", () => {
  it("is shown with its texts as text", () => {
    expect(text(".v-phrase")).toBe(`“${EVIL}”`);
    expect(drawn.querySelectorAll("img")).toHaveLength(1);
    expect(drawn.textContent).toContain("a.png · score 0.1235");
    expect(text(".v-note")).toBe("Look twice.");
    press("ArrowRight");
    expect(text(".v-phrase")).toBe(`“${RTL}”`);
    expect(text(".v-missing")).toBe("No picture: gone.");
    expect(drawn.querySelector<HTMLElement>("img")?.hidden).toBe(true);
    expect(drawn.textContent).toContain("b.png · no score");
    expect(drawn.querySelector<HTMLElement>(".v-note")?.hidden).toBe(true);
  });

  it("is walked to, not past the ends", () => {
    press("ArrowLeft");
    expect(text(".v-place")).toBe("1 / 3");
    for (const _ of [1, 2, 3]) press("ArrowRight");
    expect(text(".v-place")).toBe("3 / 3");
  });
});

describe("decisions", () => {
  it("are made by keys, go on to the next that has none, and wrap around", () => {
    press("ArrowRight");
    press("a");
    expect(text(".v-place")).toBe("3 / 3");
    press("R");
    expect(text(".v-place")).toBe("1 / 3");
    expect(text(".v-counts")).toBe("1 accepted, 1 rejected, 0 unsure, 1 to go");
    press("u");
    expect(drawn.querySelector<HTMLElement>(".v-finished")?.hidden).toBe(false);
  });

  it("are made by buttons too", () => {
    drawn.querySelector<HTMLButtonElement>("[data-name=reject]")?.click();
    expect(text(".v-counts")).toBe("0 accepted, 1 rejected, 0 unsure, 2 to go");
  });

  it("are taken back, to the object that they were about", () => {
    press("a");
    press("r");
    press("z");
    expect([text(".v-place"), text(".v-counts")]).toEqual([
      "2 / 3",
      "1 accepted, 0 rejected, 0 unsure, 2 to go",
    ]);
    press("Backspace");
    press("z");
    expect([text(".v-place"), text(".v-counts")]).toEqual([
      "1 / 3",
      "0 accepted, 0 rejected, 0 unsure, 3 to go",
    ]);
  });

  it("leave the keys of the browser and of text fields alone", () => {
    press("a", { ctrlKey: true });
    press("a", { repeat: true });
    const field = document.createElement("input");
    document.body.append(field);
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "a", bubbles: true }));
    field.remove();
    expect(text(".v-counts")).toBe("0 accepted, 0 rejected, 0 unsure, 3 to go");
  });

  it("are kept under the key, and found again", () => {
    press("a");
    expect(localStorage.getItem(KEY)).toBe('["accept",null,null]');
    draw();
    expect([text(".v-place"), text(".v-counts")]).toEqual([
      "2 / 3",
      "1 accepted, 0 rejected, 0 unsure, 2 to go",
    ]);
  });

  it.each(["not json", '["accept"]', '{"a": 1}', '["accept", "delete", 5]'])(
    "survive a store that holds %s",
    (kept) => {
      localStorage.setItem(KEY, kept);
      draw();
      expect(text(".v-counts")).toMatch(/to go$/);
      expect(text(".v-counts")).not.toContain("3 accepted");
    },
  );

  it("last as long as the page where nothing is kept", () => {
    const refuse = (): never => {
      throw new Error("denied");
    };
    vi.spyOn(Storage.prototype, "setItem").mockImplementation(refuse);
    vi.spyOn(Storage.prototype, "getItem").mockImplementation(refuse);
    draw();
    press("a");
    expect(text(".v-counts")).toBe("1 accepted, 0 rejected, 0 unsure, 2 to go");
  });
});

describe("the file", () => {
  it("holds what was decided, in the fields that are read again", async () => {
    press("a");
    press("ArrowRight");
    press("u");
    press("d");
    const [blob] = blobs;
    const written = await read(blob);
    expect(written.endsWith("\n")).toBe(true);
    expect(JSON.parse(written)).toEqual({
      ...BLOCK.file,
      decisions: [
        {
          id: "a.png",
          phrase: EVIL,
          instance: 0,
          score: 0.123456,
          stratum: 0,
          weight: 2.5,
          decision: "accept",
        },
        { id: "c.png", phrase: "cat", instance: 0, score: 0.5, stratum: 0, weight: 2.5, decision: "unsure" },
      ],
    });
  });

  it("is not offered before a decision", () => {
    const button = drawn.querySelector<HTMLButtonElement>("[data-name=download]");
    expect(button?.disabled).toBe(true);
    press("d");
    expect(blobs).toHaveLength(0);
  });

  it("is asked for before the page goes", () => {
    const leave = (): boolean => window.dispatchEvent(new Event("beforeunload", { cancelable: true }));
    press("a");
    expect(leave()).toBe(false);
    press("d");
    expect(leave()).toBe(true);
  });
});

function read(blob: Blob | undefined): Promise<string> {
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.readAsText(blob ?? new Blob());
  });
}
