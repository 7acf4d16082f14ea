/** Texts of users and models are text, whatever they hold. */

import { afterEach, describe, expect, it, vi } from "vitest";
import { mount, mountError } from "../src/mount";
import { render } from "../src/widget";
import { UnreadableView, type Block } from "../src/format/types";
import { element } from "../src/ui/dom";
import { safeName } from "../src/ui/save";
import fixture from "./fixtures/container.json";
import { frame, mounted, picture, scene, tensor, cells, view } from "./fakes";

const MARKUP = `<img src=x onerror="globalThis.pwned=1"><b>bold</b></script><script>globalThis.pwned=1</script>`;
const RTL = "\u202eכדור אדום\u202c";

/** Every live block with `text` in each of its texts. */
function blocksWith(text: string): Block[] {
  const rows = tensor("float16", [1, 1, 6], new Uint16Array(6));
  const one = tensor("float32", [1, 1], [1]);
  const full = scene({
    title: text,
    scale_note: text,
    score_note: text,
    chance: { name: text, value: 1 },
    evidence: [[text, text]],
    warnings: [text],
    facts: [[text, text]],
    python: text,
    command: text,
  });
  return [
    { type: "scene", id: "s", ...full },
    {
      type: "heads",
      scene: "s",
      layers: 1,
      heads: 1,
      cells,
      rows,
      scale: one,
      chosen: [],
      sinks: null,
      rows_name: text,
      note: text,
      measures: [{ id: text, name: text, unit: text, text, values: one }],
    },
    {
      type: "words",
      scene: "s",
      prompt: text,
      text,
      words: [{ text, start: 0, end: text.length }],
      cells,
      rows,
      scale: one,
      share: one,
      blank_share: null,
      other_shares: null,
      layers: [0, 0],
      caveat: text,
    },
    {
      type: "steps",
      name: text,
      clean: { text },
      steps: [{ label: text, layers: null, text, values: { [text]: 1 } }],
      units: { [text]: text },
      note: text,
    },
    { type: "compare", scenes: [full], scale: null, note: text },
    {
      type: "segmentation",
      image: picture,
      size: [1, 1],
      names: [text],
      labels: tensor("int32", [2], [0, 1]),
      colours: [[1, 2, 3]],
      areas: [1],
      presence: null,
      confidence: null,
      facts: [[text, text]],
      warnings: [text],
    },
  ];
}

function allText(root: Element): string {
  const labels = [...root.querySelectorAll("*")].flatMap((each) =>
    [...each.attributes].map((attribute) => attribute.value),
  );
  return [root.textContent, ...labels].join("\n");
}

describe.each([
  ["markup", MARKUP],
  ["text from right to left", RTL],
  ["nothing", ""],
  ["a long word", "x".repeat(5000)],
])("%s", (_, text) => {
  it.each(blocksWith(text).map((block) => [block.type, block] as const))(
    "in every text of a %s block stays text",
    async (__, block) => {
      const { target } = mounted(block);
      for (const each of target.querySelectorAll("[role=gridcell], .v-word"))
        each.dispatchEvent(new Event("pointerover", { bubbles: true }));
      for (const each of target.querySelectorAll<HTMLElement>(".v-word, .v-head")) each.click();
      await frame();
      expect(target.querySelectorAll("img, script, b, iframe, object")).toHaveLength(0);
      expect(allText(target)).toContain(text);
      expect(target.textContent).not.toContain("could not be drawn");
      expect((globalThis as Record<string, unknown>)["pwned"]).toBeUndefined();
    },
  );

  it("in title and lead stays text", () => {
    const target = document.createElement("main");
    mount(target, { ...view(), title: text, lead: text, vlmscope: text });
    expect(target.querySelectorAll("img, script, b")).toHaveLength(0);
    expect(target.querySelector("h1")!.textContent).toBe(text);
  });
});

describe("what this viewer does not know", () => {
  it("is one sentence for a block, and the others are drawn", () => {
    const { target } = mounted({ type: "hologram<b>" }, ...blocksWith("x").slice(3, 4));
    expect(target.querySelector(".v-note")!.textContent).toBe(
      "This block (hologram<b>) needs a newer viewer.",
    );
    expect(target.querySelector(".v-steps")).not.toBeNull();
  });

  it.each(["constructor", "__proto__", "toString"])("is no block of the language itself: %s", (type) => {
    expect(mounted({ type }).target.querySelector(".v-note")!.textContent).toContain("needs a newer viewer");
  });

  it("is one sentence for a block that is wrong", () => {
    const { target } = mounted({ type: "scene" }, ...blocksWith("x").slice(3, 4));
    expect(target.querySelector(".v-note")!.textContent).toMatch(
      /^This block \(scene\) could not be drawn: /,
    );
    expect(target.querySelector(".v-steps")).not.toBeNull();
  });

  it("is one sentence for a view", () => {
    const target = document.createElement("main");
    mountError(target, new UnreadableView("Too new."));
    expect(target.textContent).toBe("Too new.");
    mountError(target, new RangeError("x"));
    expect(target.textContent).toBe("The viewer failed: RangeError: x");
  });
});

describe("elements", () => {
  it("never take styles or handlers from text", () => {
    expect(() => element("a", { style: "color: red" })).toThrow(TypeError);
    expect(() => element("a", { onclick: "alert(1)" })).toThrow(TypeError);
  });

  it("give files names without paths", () => {
    expect(safeName("../../etc/passwd.png")).toBe("etc-passwd.png");
    expect(safeName("<b>.svg")).toBe("b.svg");
    expect(safeName(`${RTL}.json`)).toBe("כדור-אדום.json");
    expect(safeName("***")).toBe("vlmscope");
  });
});

describe("the notebook's widget", () => {
  afterEach(() => vi.restoreAllMocks());

  it("draws the bytes of its model, again when they change, and leaves nothing behind", () => {
    const bytes = Uint8Array.from(atob(fixture.packed), (char) => char.charCodeAt(0));
    let current: DataView | null = null;
    const listeners = new Set<() => void>();
    const model = {
      get: () => current,
      on: (_: string, each: () => void) => void listeners.add(each),
      off: (_: string, each: () => void) => void listeners.delete(each),
    };
    const el = document.createElement("div");
    const undo = render({ model, el });
    expect(el.textContent).toBe("");
    current = new DataView(bytes.buffer);
    listeners.forEach((each) => each());
    expect(el.querySelector("h1")!.textContent).toBe("Title");
    current = new DataView(new ArrayBuffer(30));
    listeners.forEach((each) => each());
    expect(el.textContent).toContain("no packed view");
    undo();
    expect(listeners.size).toBe(0);
  });
});

describe("a widget's colours", () => {
  const model = { get: () => null, on: () => undefined, off: () => undefined };
  const scheme = () => {
    const el = document.createElement("div");
    render({ model, el })();
    return el.style.colorScheme;
  };
  afterEach(() => {
    delete document.body.dataset.jpThemeLight;
    delete document.body.dataset.vscodeThemeKind;
    document.documentElement.removeAttribute("theme");
  });

  it("are those of the notebook, where it says them", () => {
    expect(scheme()).toBe("");
    document.documentElement.setAttribute("theme", "dark");
    expect(scheme()).toBe("dark");
    document.body.dataset.vscodeThemeKind = "vscode-high-contrast-light";
    expect(scheme()).toBe("light");
    document.body.dataset.vscodeThemeKind = "vscode-high-contrast";
    expect(scheme()).toBe("dark");
    document.body.dataset.jpThemeLight = "true";
    expect(scheme()).toBe("light");
  });

  it("change with the notebook's, until the widget is gone", async () => {
    const el = document.createElement("div");
    document.body.dataset.jpThemeLight = "true";
    const undo = render({ model, el });
    document.body.dataset.jpThemeLight = "false";
    await vi.waitFor(() => expect(el.style.colorScheme).toBe("dark"));
    undo();
    document.body.dataset.jpThemeLight = "true";
    await new Promise((go) => setTimeout(go, 0));
    expect(el.style.colorScheme).toBe("dark");
  });
});

describe("colours of the page", () => {
  it("turn by the button, which says what it will do", () => {
    const { target } = mounted();
    const button = target.querySelector<HTMLButtonElement>(".v-theme")!;
    expect(button.getAttribute("aria-label")).toBe("Dark colours");
    button.click();
    expect(document.documentElement.style.colorScheme).toBe("dark");
    expect(button.getAttribute("aria-label")).toBe("Light colours");
    button.click();
    expect(document.documentElement.style.colorScheme).toBe("light");
  });
});

it("a view that leaves the page takes its listeners along", () => {
  const { context, remove, target } = mounted(...blocksWith("x"));
  remove();
  expect(context.gone.aborted).toBe(true);
  expect(target.children).toHaveLength(0);
});
