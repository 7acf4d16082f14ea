import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EVIL } from "../blocks/fake_context";
import { Refused, SESSION, settled } from "./fake_server";
import { openPage, phrase, pictureFile, server, type Page } from "./open_page";
import { Held, scene } from "./packing";

let page: Page;

beforeEach(async () => {
  page = await openPage(answering(server()));
  await page.choose("Image", pictureFile());
});

afterEach(() => page.close());

function answering(fake: ReturnType<typeof server>): ReturnType<typeof server> {
  return fake
    .view("POST answer", ({ body }) => [
      scene(String((body as Record<string, unknown>)["question"]), { id: "answer" }),
      words(),
    ])
    .view("POST knockout", () => [steps()])
    .view("POST faithfulness", () => [curves()])
    .on("POST steer", () => ({
      clean: { text: "a circle" },
      steered: { text: EVIL },
      strength: 4,
      heads: [[1, 0]],
    }))
    .on("POST patch", ({ body }) => ({
      cell: (body as Record<string, unknown>)["cell"],
      box: [10, 0, 20, 5],
      heads: [
        { head: [1, 1], weight: 0.4 },
        { head: [0, 0], weight: 0.1 },
      ],
      words: [
        { layer: 0, tokens: [{ text: "x", probability: 0.2 }] },
        { layer: 1, tokens: [{ text: EVIL, probability: 0.9 }] },
      ],
    }))
    .view("POST compare", () => [
      {
        type: "compare",
        scenes: [untyped(scene("gem")), untyped(scene("mean-attention"))],
        scale: null,
        note: "",
      },
    ]);
}

function untyped(block: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(block).filter(([name]) => name !== "type"));
}

function words(): Record<string, unknown> {
  const share = (value: number): Held => new Held(Float32Array.of(value, value, value, value), [2, 2]);
  return {
    type: "words",
    scene: "answer",
    prompt: "q",
    text: "red circle",
    cells: scene("x")["cells"],
    words: [
      { text: "red", start: 0, end: 3, lost: true },
      { text: "circle", start: 4, end: 10, lost: false },
    ],
    rows: new Held(new Float32Array(16).fill(0.5), [2, 2, 4]),
    scale: share(1),
    share: share(0.3),
    blank_share: null,
    other_shares: null,
    layers: [0, 1],
    caveat: "",
  };
}

function steps(): Record<string, unknown> {
  return {
    type: "steps",
    name: "Blocked layers",
    clean: { text: "red" },
    units: { drop: "nats" },
    note: "",
    steps: [{ label: "layers 0", layers: [0, 0], text: "blue", values: { drop: 0.5 } }],
  };
}

function curves(): Record<string, unknown> {
  return {
    type: "curves",
    title: "Taken away",
    x_label: "share",
    y_label: "probability",
    x: [0, 1],
    x_scale: "linear",
    series: [
      {
        name: "map",
        values: [
          [0.9, 0.9, 0.9],
          [0.1, 0.1, 0.1],
        ],
      },
    ],
    span: null,
    caption: "",
  };
}

const shown = (selector: string): HTMLElement[] =>
  [...page.target.querySelectorAll<HTMLElement>(selector)].filter((each) => !each.closest("[hidden]"));

describe("ask", () => {
  it("shows the answer's own scene and words, and the phrase's again on going back", async () => {
    await phrase(page, "cat");
    await page.click("Ask");
    page.type("Question", "What is red?");
    shown(".a-go")[0]?.click();
    await settled();
    expect(page.server.asked("answer")[0]?.body).toEqual({ image: "ab12", question: "What is red?" });
    expect(page.status()).toBe("The model says: red circle");
    expect(shown(".v-scene-title").map((each) => each.textContent)).toEqual(["What is red?"]);
    expect(shown(".a-ask-view")[0]?.textContent).toContain("circle");
    await page.click("Look");
    expect(shown(".v-scene-title").map((each) => each.textContent)).toEqual(["cat"]);
  });

  it("says what is missing instead of asking", async () => {
    await page.click("Ask");
    shown(".a-go")[0]?.click();
    await settled();
    expect(page.status()).toBe("Not done: Type a question first.");
    expect(page.server.asked("answer")).toHaveLength(0);
  });

  it("forgets an answer about another picture", async () => {
    await page.click("Ask");
    page.type("Question", "What?");
    shown(".a-go")[0]?.click();
    await settled();
    page.server.on("POST images", () => ({ image: "cd34", width: 20, height: 10 }));
    await page.choose("Image", pictureFile());
    expect(page.target.querySelector(".a-ask-view")?.childElementCount).toBe(0);
  });
});

describe("does it matter", () => {
  beforeEach(async () => {
    await phrase(page, "cat");
    await page.click("Does it matter");
    page.type("Question", "What is red?");
  });

  it("blocks window after window, on a slider", async () => {
    await page.click("Block");
    expect(page.server.asked("knockout")[0]?.body).toEqual({
      image: "ab12",
      question: "What is red?",
      window: 1,
      edges: "image->query",
    });
    expect(page.find<HTMLInputElement>("input[aria-label='Blocked layers']").type).toBe("range");
  });

  it("blocks chosen heads alone, and says which number is none", async () => {
    page.type("Only heads", "1, x");
    await page.click("Block");
    expect(page.status()).toBe("Not done: Heads are numbers from 0 to 1, such as 0, 3; “x” is none.");
    page.type("Only heads", "1 0 1");
    await page.click("Block");
    expect(page.server.asked("knockout")[0]?.body).toMatchObject({ heads: [1, 0] });
  });

  it("draws insertion and deletion", async () => {
    await page.click("Measure");
    expect(page.server.asked("faithfulness")[0]?.body).toEqual({
      image: "ab12",
      phrase: "cat",
      question: "What is red?",
    });
    expect(page.find(".a-faithfulness-view svg").getAttribute("aria-label")).toContain("Taken away");
  });

  it("steers towards a box that is typed or taken from the phrase, and shows both answers as text", async () => {
    await page.click("Answer again");
    expect(page.status()).toContain("Drag a box");
    await page.click("Box of the phrase");
    await page.click("Answer again");
    expect(page.server.asked("steer")[0]?.body).toEqual({
      image: "ab12",
      question: "What is red?",
      box: [2, 2, 8, 6],
      strength: 4,
    });
    expect(shown(".a-answer blockquote").map((each) => each.textContent)).toEqual(["a circle", EVIL]);
    expect(page.target.querySelector(".a-answers img")).toBeNull();
    expect(page.target.querySelectorAll(".a-overlay .a-dashed")).toHaveLength(1);
  });

  it("steers the heads that are locked, and says which before", async () => {
    const line = (): string | undefined =>
      shown(".v-caption")
        .map((each) => each.textContent ?? "")
        .find((text) => text.startsWith("Heads:"));
    expect(line()).toBe("Heads: L1H0 (those of the app).");
    await page.click("Look");
    page.named("L0H1").click();
    await page.click("Does it matter");
    expect(line()).toBe("Heads: L0H1 (locked in the grid).");
    await page.click("Box of the phrase");
    await page.click("Answer again");
    expect(page.server.asked("steer")[0]?.body).toMatchObject({ heads: [[0, 1]] });
  });

  it("steers towards a box that is dragged", async () => {
    const sheet = page.find(".a-overlay.a-dragging");
    sheet.getBoundingClientRect = () => ({ left: 0, top: 0, width: 200, height: 100 }) as DOMRect;
    const drag = (name: string, x: number, y: number): boolean =>
      sheet.dispatchEvent(
        Object.assign(new MouseEvent(name, { clientX: x, clientY: y, button: 0 }), { pointerId: 1 }),
      );
    drag("pointerdown", 120, 80);
    drag("pointermove", 40, 20);
    drag("pointerup", 40, 20);
    await page.click("Answer again");
    expect(page.server.asked("steer")[0]?.body).toMatchObject({ box: [4, 2, 12, 8] });
  });

  it("has no look here where the model cannot be steered", async () => {
    page.close();
    const features = { ...SESSION.features, steer: false };
    page = await openPage(server({ ...SESSION, features }), "#mode=matter");
    expect(shown("h3").map((each) => each.textContent)).toEqual(["Knock-out", "Insertion and deletion"]);
  });
});

describe("patch", () => {
  const clickCell = (cell: number | null): Promise<void> => {
    const detail = { scene: "scene", cell, x: 1, y: 1 };
    page
      .find(".a-ground-view .v-frame")
      .dispatchEvent(new CustomEvent("vlmscope:cell", { bubbles: true, detail }));
    return settled();
  };

  it("reads the patch that is clicked: heads, then what it decodes to, last layer first", async () => {
    await phrase(page, "cat");
    await page.click("Patch");
    await clickCell(2);
    expect(page.server.asked("patch")[0]?.body).toEqual({ image: "ab12", phrase: "cat", cell: 2 });
    expect(shown(".a-readers li").map((each) => each.textContent)).toEqual(["L1H140%", "L0H010%"]);
    expect(shown(".a-lens tbody th").map((each) => each.textContent)).toEqual(["1", "0"]);
    expect(shown(".a-token bdi")[0]?.textContent).toBe(EVIL);
    expect(page.target.querySelector(".a-lens img")).toBeNull();
    expect(page.target.querySelectorAll(".a-overlay .a-line")).toHaveLength(1);
  });

  it("is reached without a pointer, and only in its own mode", async () => {
    await phrase(page, "cat");
    await clickCell(1);
    expect(page.server.asked("patch")).toHaveLength(0);
    await page.click("Patch");
    page.type("Patch number", "3");
    await page.click("Read");
    expect(page.server.asked("patch")[0]?.body).toMatchObject({ cell: 3 });
  });
});

describe("side by side", () => {
  it("asks for the methods that are ticked", async () => {
    await phrase(page, "cat");
    await page.click("Side by side");
    await page.click("Compare methods");
    expect(page.server.asked("compare")[0]?.body).toEqual({
      image: "ab12",
      phrase: "cat",
      methods: ["localization-heads", "mean-attention", "gem"],
    });
    expect(shown(".a-compare-view canvas[aria-label='Heat map']")).toHaveLength(2);
    for (const box of shown("input[type=checkbox]").slice(1)) box.click();
    await page.click("Compare methods");
    expect(page.status()).toContain("two methods or more");
  });

  it("forgets what was about another picture", async () => {
    await phrase(page, "cat");
    await page.click("Side by side");
    await page.click("Compare methods");
    page.server.on("POST images", () => ({ image: "cd34", width: 20, height: 10 }));
    await page.choose("Image", pictureFile());
    expect(page.target.querySelector(".a-compare-view canvas")).toBeNull();
  });

  it("puts two pictures on one colour scale", async () => {
    await phrase(page, "cat");
    await page.click("Side by side");
    page.server.on("POST images", () => ({ image: "cd34", width: 20, height: 10 }));
    page.server.view("POST ground", ({ body }) => {
      const other = (body as Record<string, unknown>)["image"] === "cd34";
      return [scene("cat", { scale: other ? [-1, 9] : [0, 3] })];
    });
    await page.choose("Second picture", pictureFile());
    for (let turn = 0; turn < 4; turn += 1) await settled();
    expect(
      page.server
        .asked("ground")
        .slice(-2)
        .map((each) => (each.body as Record<string, unknown>)["image"]),
    ).toEqual(["ab12", "cd34"]);
    expect(shown(".a-compare-view canvas[aria-label='Heat map']")).toHaveLength(2);
    expect(shown(".a-compare-view")[0]?.textContent).toContain("One colour scale for both pictures.");
  });
});

describe("the line of jobs", () => {
  it("is said after a while, and what waits can be cancelled", async () => {
    page.server.on("GET queue", () => ({ waiting: 3, running: 1, of: 2 }));
    await page.click("Ask");
    page.type("Question", "What?");
    const stop = page.find<HTMLButtonElement>(".a-status button");
    expect(stop.hidden).toBe(true);
    page.server.on("POST answer", () => new Refused(409, "superseded", "newer"));
    const { fetch } = page.server;
    const held = page.server;
    held.hold();
    shown(".a-go")[0]?.click();
    await settled();
    vi.spyOn(globalThis, "fetch").mockImplementation(((address: string, init?: RequestInit) =>
      address === "api/queue"
        ? Promise.resolve(new Response('{"waiting": 3, "running": 1, "of": 2}'))
        : fetch(address, init)) as typeof globalThis.fetch);
    await new Promise((done) => setTimeout(done, 700));
    expect(page.status()).toBe("Waiting: 2 jobs before yours.");
    expect(stop.hidden).toBe(false);
    stop.click();
    expect(page.server.asked("answer")[0]?.signal?.aborted).toBe(true);
    expect([page.status(), stop.hidden]).toEqual(["Cancelled.", true]);
    await held.release();
  });
});
