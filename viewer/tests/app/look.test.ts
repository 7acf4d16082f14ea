import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EVIL, RTL } from "../blocks/fake_context";
import { Refused, SESSION, settled } from "./fake_server";
import { openPage, phrase, pictureFile, server, type Page } from "./open_page";

let page: Page;

beforeEach(async () => {
  page = await openPage(server());
});

afterEach(() => page.close());

const shownTitle = (): string | null | undefined => page.target.querySelector(".v-scene-title")?.textContent;

describe("a picture", () => {
  it("is opened by its input, and shown before anything is asked", async () => {
    expect(page.target.textContent).toContain("Drop a picture here");
    await page.choose("Image", pictureFile());
    expect(page.server.asked("images").map((each) => each.method)).toEqual(["POST", "GET"]);
    expect(page.find<HTMLImageElement>(".a-plain img").src).toMatch(/^blob:/);
    expect(page.status()).toBe("Picture opened.");
  });

  it("comes by dropping and by pasting", async () => {
    for (const [name, key] of [
      ["drop", "dataTransfer"],
      ["paste", "clipboardData"],
    ] as const) {
      const event = new Event(name, { bubbles: true, cancelable: true });
      Object.defineProperty(event, key, { value: { files: [pictureFile()], types: ["Files"] } });
      document.dispatchEvent(event);
      await settled();
      expect(event.defaultPrevented).toBe(true);
    }
    expect(page.server.asked("images").filter((each) => each.method === "POST")).toHaveLength(2);
  });

  it("leaves pasted text to the field", () => {
    const event = new Event("paste", { bubbles: true, cancelable: true });
    Object.defineProperty(event, "clipboardData", { value: { files: [], types: ["text/plain"] } });
    document.dispatchEvent(event);
    expect(event.defaultPrevented).toBe(false);
  });

  it("that is too large does not travel", async () => {
    await page.choose("Image", pictureFile(1001));
    expect(page.server.asked("images")).toHaveLength(0);
    expect(page.status()).toMatch(/^Not done: This file has .* MB and at most/);
  });

  it("that is none is refused in the server's words", async () => {
    page.server.on("POST images", () => new Refused(400, "bad-image", "The file is not an image."));
    await page.choose("Image", pictureFile());
    expect(page.status()).toBe("Not done: The file is not an image.");
  });
});

describe("a phrase", () => {
  beforeEach(() => page.choose("Image", pictureFile()));

  it("is looked for while it is typed, with all heads", async () => {
    await phrase(page, "red circle");
    expect(page.server.asked("ground")[0]?.body).toEqual({
      image: "ab12",
      phrase: "red circle",
      all_heads: true,
    });
    expect(shownTitle()).toBe("red circle");
    expect(page.named("Heat map").getAttribute("role")).toBe("img");
    expect(page.named("Heads").getAttribute("role")).toBe("grid");
    expect(page.named("L1H0")).toBeTruthy();
    expect(page.find(".a-plain").hidden).toBe(true);
    expect(page.status()).toBe("“red circle”: a box was found. Score 0.5, chance 0.25.");
  });

  it("is asked once for a word that is typed fast", async () => {
    for (const part of ["r", "re", "red"]) page.type("Phrase", part);
    await phrase(page, "red");
    expect(page.server.asked("ground")).toHaveLength(1);
  });

  it("never gives way to an older answer", async () => {
    page.server.hold();
    await phrase(page, "first");
    await phrase(page, "second");
    expect(page.server.asked("ground")[0]?.signal?.aborted).toBe(true);
    await page.server.release([1, 0]);
    await settled();
    expect(shownTitle()).toBe("second");
  });

  it("keeps the map until the next is there, and takes it away with the phrase", async () => {
    await phrase(page, "cat");
    page.server.hold();
    await phrase(page, "cats");
    expect(shownTitle()).toBe("cat");
    expect(page.find(".a-ground-view").classList.contains("a-stale")).toBe(true);
    await page.server.release();
    await settled();
    expect(shownTitle()).toBe("cats");
    await phrase(page, "  ");
    expect(shownTitle()).toBeUndefined();
    expect(page.find(".a-plain").hidden).toBe(false);
  });

  it("is gone to by a slash, which elsewhere is a slash", () => {
    const press = (target: EventTarget): boolean =>
      target.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true, cancelable: true }));
    expect(press(document.body)).toBe(false);
    expect(document.activeElement).toBe(page.named("Phrase"));
    expect(press(page.named("Phrase"))).toBe(true);
  });

  it("stays text, whatever is in it", async () => {
    for (const text of [EVIL, RTL]) {
      await phrase(page, text);
      expect(shownTitle()).toBe(text);
      expect(page.find("[role=status]").textContent).toContain(`\u2068${text}\u2069`);
    }
    expect(page.target.querySelector("b, i:not([class])")).toBeNull();
  });

  it("whose question fails leaves the map, and says why", async () => {
    await phrase(page, "cat");
    page.server.on("POST ground", () => new Refused(400, "bad-phrase", "The phrase has no letter."));
    await phrase(page, "!!");
    expect(page.status()).toBe("Not done: The phrase has no letter.");
    expect(shownTitle()).toBe("cat");
  });

  it("is read by another method and from other heads", async () => {
    await phrase(page, "cat");
    const method = page.named<HTMLSelectElement>("Method");
    method.value = "gem";
    method.dispatchEvent(new Event("change"));
    await settled();
    expect(page.server.asked("ground").at(-1)?.body).toMatchObject({ method: "gem" });
    const heads = page.named<HTMLInputElement>("Read from");
    heads.value = "L9H9";
    heads.dispatchEvent(new Event("change"));
    expect(page.status()).toContain("L9H9 is not in this model");
    heads.value = "l0h1";
    heads.dispatchEvent(new Event("change"));
    await settled();
    expect(page.server.asked("ground").at(-1)?.body).toMatchObject({ heads: [[0, 1]] });
  });

  it("on a new picture shows nothing of the old one", async () => {
    await phrase(page, "cat");
    page.server.on("POST images", () => ({ image: "cd34", width: 30, height: 10 })).hold();
    void page.choose("Image", pictureFile());
    await settled();
    await page.server.release();
    await settled();
    await settled();
    expect(page.server.asked("ground").at(-1)?.body).toMatchObject({ image: "cd34", phrase: "cat" });
  });
});

describe("heads", () => {
  it("that are locked stay so for the next phrase, stand in the address, and can be read from", async () => {
    await page.choose("Image", pictureFile());
    await phrase(page, "cat");
    page.named("L0H1").click();
    expect(page.named("L0H1").getAttribute("aria-selected")).toBe("true");
    await phrase(page, "dog");
    expect(page.named("L0H1").getAttribute("aria-selected")).toBe("true");
    await new Promise((done) => setTimeout(done, 300));
    expect(location.hash).toBe("#image=ab12&phrase=dog&locked=L0H1");
    await page.click("From locked");
    expect(page.server.asked("ground").at(-1)?.body).toMatchObject({ heads: [[0, 1]] });
  });
});

describe("what a reader chose", () => {
  it("about the picture and the grid stays for the next phrase", async () => {
    await page.choose("Image", pictureFile());
    await phrase(page, "cat");
    await page.click("Token grid");
    const coloured = page.find<HTMLSelectElement>(".v-measures select");
    coloured.value = "entropy";
    coloured.dispatchEvent(new Event("change"));
    await phrase(page, "dog");
    const buttons = [...page.target.querySelectorAll(".v-switches [aria-pressed=true]")];
    expect(buttons.map((each) => each.textContent?.trim())).toContain("Token grid");
    expect(page.find<HTMLSelectElement>(".v-measures select").value).toBe("entropy");
  });

  it("keeps the focus where it was, in the new grid", async () => {
    await page.choose("Image", pictureFile());
    await phrase(page, "cat");
    page.named("L1H0").focus();
    const before = page.named("L1H0");
    await phrase(page, "dog");
    expect(before.isConnected).toBe(false);
    expect(document.activeElement).toBe(page.named("L1H0"));
  });
});

describe("a link", () => {
  it("brings picture, phrase, method, heads and locks back", async () => {
    page.close();
    page = await openPage(server(), "#image=ab12&phrase=cat&method=gem&heads=L1H1&locked=L1H0");
    await new Promise((done) => setTimeout(done, 80));
    await settled();
    expect(page.server.asked("ground")[0]?.body).toMatchObject({
      image: "ab12",
      phrase: "cat",
      method: "gem",
      heads: [[1, 1]],
    });
    expect(page.named<HTMLInputElement>("Phrase").value).toBe("cat");
    expect(page.named<HTMLSelectElement>("Method").value).toBe("gem");
    expect(page.named("L1H0").getAttribute("aria-selected")).toBe("true");
  });

  it("to a picture that is gone says so and keeps the rest", async () => {
    page.close();
    const fake = server().on(
      "GET images/",
      () => new Refused(404, "unknown-image", "This picture is not in memory."),
    );
    page = await openPage(fake, "#image=ab12&phrase=cat");
    expect(page.status()).toBe("Not done: This picture is not in memory.");
    expect(page.named<HTMLInputElement>("Phrase").value).toBe("cat");
  });
});

describe("a session", () => {
  it("that cannot be had is one sentence", async () => {
    page.close();
    page = await openPage(
      server().on("GET session", () => new Refused(401, "no-token", "A token is needed.")),
    );
    expect(page.find("[role=alert]").textContent).toBe("A token is needed.");
  });

  it("of an encoder offers what it can be asked", async () => {
    page.close();
    const none = { answer: false, knockout: false, steer: false, lens: false, faithfulness: false };
    const model = { ...SESSION.model, kind: "encoder", layers: null, heads: null };
    page = await openPage(server({ ...SESSION, model, features: none }));
    expect([...page.target.querySelectorAll(".a-mode")].map((each) => each.textContent)).toEqual([
      "Look",
      "Side by side",
    ]);
    expect(page.target.querySelector("[aria-label='Read from']")).toBeNull();
    await page.choose("Image", pictureFile());
    await phrase(page, "cat");
    expect(page.server.asked("ground")[0]?.body).toMatchObject({ all_heads: false });
  });
});
