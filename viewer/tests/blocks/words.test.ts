import { describe, expect, it } from "vitest";
import { piecesOf } from "../../src/blocks/words/pieces";
import type { Word, WordsBlock } from "../../src/format/types";
import { buttonNamed, byLabel, cells, frame, mounted, press, scene, tensor } from "../fakes";

const word = (text: string, start: number, changes: Partial<Word> = {}): Word => ({
  text,
  start,
  end: start + Array.from(text).length,
  ...changes,
});

/** Two words over three layers; the word's map lights up cell 2 * word + layer. */
function words(changes: Partial<WordsBlock> = {}): WordsBlock {
  const rows = new Uint16Array(2 * 3 * 6);
  [0, 1].forEach((w) => [0, 1, 2].forEach((layer) => (rows[(w * 3 + layer) * 6 + 2 * w + layer] = 0x3c00)));
  return {
    type: "words",
    scene: "ball",
    prompt: "What is it?",
    text: "🎈 red ball!",
    words: [
      word("red", 2, { lost: true, gain: 2.5, log_prob: -0.25 }),
      word("ball", 6, { maybe_guessed: true }),
    ],
    cells,
    rows: tensor("float16", [2, 3, 6], rows),
    scale: tensor("float32", [2, 3], [1, 1, 1, 1, 1, NaN]),
    share: tensor("float32", [2, 3], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
    blank_share: tensor("float32", [2, 3], [0.1, 0.1, 0.1, 0.1, 0.1, 0.1]),
    other_shares: {
      question: tensor("float32", [2, 3], [0.2, 0.2, 0.2, 0.2, 0.2, 0.2]),
      answer: tensor("float32", [2, 3], [0.7, 0.6, 0.5, 0.4, 0.3, 0.2]),
    },
    layers: [1, 2],
    caveat: "Looking is not needing.",
    ...changes,
  };
}

function open(changes: Partial<WordsBlock> = {}) {
  const made = mounted({ type: "scene", id: "ball", ...scene() }, words(changes));
  const title = async () => {
    await frame();
    return made.target.querySelector(".v-legend-title")!.textContent;
  };
  return { ...made, title, strip: byLabel(made.target, "Words of the answer") };
}

describe("pieces of an answer", () => {
  it("count code points, as Python does", () => {
    expect(piecesOf("🎈 red ball!", [word("red", 2), word("ball", 6)])).toEqual([
      { text: "🎈 ", word: null },
      { text: "red", word: 0 },
      { text: " ", word: null },
      { text: "ball", word: 1 },
      { text: "!", word: null },
    ]);
  });

  it("make up the text whatever the words are", () => {
    const text = "שלום a👩‍👩‍👧b";
    for (const list of [[], [word("a", 5)], [word("שלום", 0), word("b", 11)]]) {
      expect(
        piecesOf(text, list)
          .map((piece) => piece.text)
          .join(""),
      ).toBe(text);
    }
  });
});

describe("the words of an answer", () => {
  it("stand in their text, marked by more than colour", () => {
    const { strip } = open();
    expect(strip.textContent).toBe("🎈 red ball!");
    expect(buttonNamed(strip, "red").getAttribute("aria-description")).toBe("lost without the picture");
    expect(buttonNamed(strip, "ball").className).toContain("v-word-guessed");
  });

  it("show what they looked at: over, click, again", async () => {
    const { target, strip, title } = open();
    buttonNamed(strip, "red").dispatchEvent(new Event("pointerover"));
    expect(await title()).toBe("“red”, mean of layers 1 to 2");
    expect(target.textContent).toContain("gained by the picture2.5log probability-0.25");
    strip.dispatchEvent(new Event("pointerleave"));
    expect(await title()).toBe("the red ball");
    buttonNamed(strip, "ball").click();
    expect(await title()).toBe("“ball”, mean of layers 1 to 2");
    expect(buttonNamed(strip, "ball").getAttribute("aria-pressed")).toBe("true");
    press(buttonNamed(strip, "ball"), "Escape");
    expect(await title()).toBe("the red ball");
  });

  it("follow the slider over layers", async () => {
    const { target, strip, title } = open();
    buttonNamed(strip, "red").click();
    const slider = byLabel<HTMLInputElement>(target, "Layer");
    slider.value = "0";
    slider.dispatchEvent(new Event("input"));
    expect(await title()).toBe("“red”, layer 0");
    expect(slider.getAttribute("aria-valuetext")).toBe("0");
    expect(target.querySelector(".v-shares .v-key")!.textContent).toBe(
      "picture 10%question 20%answer 70%a blank picture 10%",
    );
    buttonNamed(target, "Mean of layers 1 to 2").click();
    expect(await title()).toBe("“red”, mean of layers 1 to 2");
    expect(target.querySelector(".v-shares .v-key")!.textContent).toContain("picture 25%");
  });

  it("are taken together until one is chosen", () => {
    const { target } = open();
    expect(target.querySelector(".v-shares figcaption")!.textContent).toMatch(/^All words on average/);
    expect(target.querySelector(".v-shares .v-key")!.textContent).toContain("picture 40%"); // 0.2, 0.3, 0.5, 0.6
  });

  it("leave out layers that kept no rows", async () => {
    const { target, strip, title } = open();
    buttonNamed(strip, "ball").click();
    const slider = byLabel<HTMLInputElement>(target, "Layer");
    slider.value = "2"; // its scale is not a number
    slider.dispatchEvent(new Event("input"));
    expect(await title()).toBe("the red ball");
  });

  it("are walked by arrows", () => {
    const { strip } = open();
    buttonNamed(strip, "red").focus();
    press(strip, "ArrowRight");
    expect(document.activeElement).toBe(buttonNamed(strip, "ball"));
  });

  it("say nothing of a blank picture that was not asked", () => {
    const { target } = open({ blank_share: tensor("float32", [2, 3], new Float32Array(6).fill(NaN)) });
    expect(target.querySelector(".v-shares .v-key")!.textContent).not.toContain("blank");
    expect(target.textContent).not.toContain("NaN");
  });

  it("stand without a blank picture and other shares as well", async () => {
    const { target, strip } = open({ blank_share: null, other_shares: null, words: [word("red", 2)] });
    buttonNamed(strip, "red").click();
    await frame();
    expect(target.querySelector(".v-shares .v-key")!.textContent).toBe("picture 25%");
  });
});
