import { afterEach, describe, expect, it, vi } from "vitest";
import { drawCode } from "../../src/blocks/code";
import { drawFacts } from "../../src/blocks/facts";
import { drawHeading } from "../../src/blocks/heading";
import { drawNote } from "../../src/blocks/note";
import { drawText } from "../../src/blocks/text";
import { EVIL, RTL } from "./fake_context";

describe("words of a page", () => {
  it("has headings of both levels", () => {
    expect(drawHeading({ type: "heading", level: 2, text: "Heads" }).outerHTML).toBe("<h2>Heads</h2>");
    expect(drawHeading({ type: "heading", level: 3, text: "Each" }).tagName).toBe("H3");
  });

  it("parts paragraphs at empty lines only", () => {
    expect(drawText({ type: "text", text: "one\nline" }).tagName).toBe("P");
    const two = drawText({ type: "text", text: "first\n\nsecond" });
    expect([...two.querySelectorAll("p")].map((each) => each.textContent)).toEqual(["first", "second"]);
  });

  it("says that a note is one", () => {
    const note = drawNote({ type: "note", text: "Measured on twelve." });
    expect([note.getAttribute("role"), note.textContent]).toEqual(["note", "Measured on twelve."]);
  });

  it("keeps markup and right-to-left text as text", () => {
    for (const text of [EVIL, RTL]) {
      const drawn = [
        drawHeading({ type: "heading", level: 2, text }),
        drawText({ type: "text", text }),
        drawNote({ type: "note", text }),
        drawCode({ type: "code", text }).querySelector("code"),
        drawFacts({ type: "facts", pairs: [["name", text]] }).querySelector("dd"),
      ];
      for (const each of drawn) {
        expect(each?.textContent).toBe(text);
        expect(each?.children).toHaveLength(0);
      }
    }
  });

  it("pairs names with texts", () => {
    const drawn = drawFacts({
      type: "facts",
      pairs: [
        ["model", "tiny-llava"],
        ["layers", "4"],
      ],
    });
    expect([...drawn.children].map((each) => `${each.tagName} ${each.textContent}`)).toEqual([
      "DT model",
      "DD tiny-llava",
      "DT layers",
      "DD 4",
    ]);
  });
});

function clipboard(writeText: (text: string) => Promise<void>): void {
  Object.defineProperty(navigator, "clipboard", { value: { writeText }, configurable: true });
}

describe("code", () => {
  afterEach(() => {
    Reflect.deleteProperty(navigator, "clipboard");
  });

  it("is copied by its button, which says so", async () => {
    const writeText = vi.fn(() => Promise.resolve());
    clipboard(writeText);
    const drawn = drawCode({ type: "code", text: "vlmscope demo\n" });
    const button = drawn.querySelector("button");
    button?.click();
    await vi.waitFor(() => expect(button?.textContent).toBe("Copied"));
    expect(writeText).toHaveBeenCalledWith("vlmscope demo\n");
  });

  it("says what to do where nothing can be copied", async () => {
    clipboard(() => Promise.reject(new Error("no")));
    const drawn = drawCode({ type: "code", text: "x" });
    drawn.querySelector("button")?.click();
    await vi.waitFor(() => expect(drawn.querySelector("button")?.textContent).toContain("by hand"));
    expect(document.querySelector("textarea")).toBeNull();
  });

  it("can be scrolled by keys", () => {
    expect(drawCode({ type: "code", text: "x" }).querySelector("pre")?.tabIndex).toBe(0);
  });
});
