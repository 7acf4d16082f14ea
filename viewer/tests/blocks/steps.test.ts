import { describe, expect, it } from "vitest";
import { changes } from "../../src/blocks/steps/changes";
import type { StepsBlock } from "../../src/format/types";
import { byLabel, mounted } from "../fakes";

const block = (more: Partial<StepsBlock> = {}): StepsBlock => ({
  type: "steps",
  name: "Blocked layers",
  clean: { text: "a red ball" },
  steps: [
    { label: "layers 0 to 3", layers: [0, 3], text: "a red ball", values: { "log probability": -0.5 } },
    { label: "layers 4 to 7", layers: [4, 7], text: "a blue ball", values: { "log probability": -3.25 } },
    { label: "layers 8 to 11", layers: [8, 11], text: "", values: { "log probability": null } },
  ],
  units: { "log probability": "nats" },
  note: "Image tokens cannot be read there.",
  ...more,
});

function move(target: Element, to: number): HTMLInputElement {
  const slider = target.querySelector<HTMLInputElement>("input[type=range]")!;
  slider.value = String(to);
  slider.dispatchEvent(new Event("input"));
  return slider;
}

describe("steps", () => {
  it("have a slider of that name, which says where it stands", () => {
    const { target } = mounted(block());
    const slider = move(target, 1);
    expect(slider.getAttribute("aria-label")).toBe("Blocked layers");
    expect(slider.getAttribute("aria-valuetext")).toBe("layers 4 to 7");
    expect(slider.max).toBe("2");
  });

  it("show the answer at each beside the clean one, what changed marked", () => {
    const { target } = mounted(block());
    const answers = () => Array.from(target.querySelectorAll(".v-answer"), (each) => each.textContent);
    expect(answers()).toEqual(["a red ball", "a red ball"]);
    move(target, 1);
    expect(answers()).toEqual(["a red ball", "a blue ball"]);
    expect(Array.from(target.querySelectorAll("mark"), (each) => each.textContent!.trim())).toEqual(["blue"]);
    expect(target.querySelector(".v-step-value")!.textContent).toBe("log probability-3.25 nats");
    move(target, 2);
    expect(answers()).toEqual(["a red ball", "(nothing)"]);
    expect(target.querySelector(".v-step-value")!.textContent).toBe("log probability–");
  });

  it("may have values alone, or nothing", () => {
    const { target } = mounted(
      block({
        clean: { text: null },
        steps: [{ label: "0", layers: null, text: null, values: { effect: 1 } }],
      }),
    );
    expect(target.querySelectorAll(".v-answer")).toHaveLength(0);
    expect(mounted(block({ steps: [] })).target.textContent).toContain("No steps were run.");
    expect(byLabel(document.body, "Blocked layers").tagName).toBe("SECTION");
  });
});

describe("changes between answers", () => {
  it("are the words that a longest common run leaves out", () => {
    const marked = (clean: string, text: string) =>
      changes(clean, text)
        .filter((part) => part.changed)
        .map((part) => part.text.trim());
    expect(marked("a b c d", "a b c d")).toEqual([]);
    expect(marked("a b c d", "b c x d")).toEqual(["x"]);
    expect(marked("", "a b")).toEqual(["a", "b"]);
    expect(marked("a a b", "b a a")).toEqual(["b"]);
  });

  it("keep every character of the text", () => {
    const text = " two  spaces\nand a line ";
    expect(
      changes("x", text)
        .map((part) => part.text)
        .join(""),
    ).toBe(text);
  });
});
