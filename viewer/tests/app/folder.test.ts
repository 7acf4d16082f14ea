import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EVIL } from "../blocks/fake_context";
import { Refused, SESSION, settled, type Received } from "./fake_server";
import { openPage, server, type Page } from "./open_page";

let page: Page;
let rows: Record<string, unknown>[];

function row(id: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id,
    image: `api/folder/pictures/${id}`,
    size: [100, 200],
    phrase: "cat",
    instance: 0,
    box: [10, 10, 60, 50],
    score: 0.8,
    warnings: [],
    decision: null,
    corrected: null,
    ...more,
  };
}

function decided({ body }: Received): unknown {
  const { decision, box } = body as { decision: string | null; box?: number[] };
  return { decision, corrected: box ?? null };
}

beforeEach(async () => {
  rows = [
    row("a.png", { phrase: EVIL, warnings: ["Look twice."] }),
    row("b.png", { score: null }),
    row("dir/c.png"),
  ];
  const fake = server({ ...SESSION, folder: { name: "labels", images: 3, objects: 3 } })
    .on("GET folder?", () => ({ total: rows.length, rows }))
    .on("GET folder/pictures/", () => Uint8Array.of(255, 216))
    .on("PUT folder/decisions", decided)
    .on("GET folder/decisions", () => ({ format: "vlmscope-decisions/1", decisions: [] }));
  page = await openPage(fake);
  await settled();
});

afterEach(() => {
  page.close();
  vi.restoreAllMocks();
});

const press = async (key: string): Promise<void> => {
  document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  await settled();
};
const verdicts = (): (string | null)[] =>
  [...page.target.querySelectorAll(".a-thumbnails .a-verdict")].map((each) => each.textContent);
const title = (): string | null => page.find(".a-object h3").textContent;
const puts = (): unknown[] =>
  page.server.received.filter((each) => each.method === "PUT").map((each) => each.body);

describe("a folder", () => {
  it("is opened first, with its objects, their texts as text", () => {
    expect(page.find("[aria-pressed=true]").textContent).toBe("Folder");
    expect(page.target.querySelectorAll(".a-thumbnails li")).toHaveLength(3);
    expect(title()).toBe(`“${EVIL}”`);
    expect(page.find(".a-object .v-note").textContent).toBe("Look twice.");
    expect(page.find(".a-thumbnails").textContent).toContain("no score");
    expect(page.target.querySelector(".a-folder b")).toBeNull();
  });

  it("names its pictures whole in addresses", async () => {
    await press("ArrowRight");
    await press("ArrowRight");
    expect(page.server.asked("folder/pictures/dir%2Fc.png?side=1024")).toHaveLength(1);
  });

  it("is decided by keys, one object after the other", async () => {
    await press("a");
    await press("r");
    await press("u");
    expect(puts()).toEqual([
      { id: "a.png", phrase: EVIL, instance: 0, decision: "accept" },
      { id: "b.png", phrase: "cat", instance: 0, decision: "reject" },
      { id: "dir/c.png", phrase: "cat", instance: 0, decision: "unsure" },
    ]);
    expect(verdicts()).toEqual(["✓ accepted", "✕ rejected", "? unsure"]);
    expect(page.status()).toBe("Unsure: “cat” in dir/c.png.");
    await press("z");
    expect(verdicts()[2]).toBe("");
  });

  it("leaves keys alone where somebody types, and in other modes", async () => {
    const field = page.named("Phrase");
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "a", bubbles: true }));
    await page.click("Look");
    await press("a");
    expect(puts()).toEqual([]);
  });

  it("takes a corrected box, and shows the server's answer", async () => {
    await settled();
    const sheet = page.find(".a-large .a-overlay");
    sheet.getBoundingClientRect = () => ({ left: 0, top: 0, width: 400, height: 200 }) as DOMRect;
    for (const [name, x, y] of [
      ["pointerdown", 40, 40],
      ["pointermove", 140, 100],
      ["pointerup", 140, 100],
    ] as const) {
      sheet.dispatchEvent(
        Object.assign(new MouseEvent(name, { clientX: x, clientY: y, button: 0 }), { pointerId: 1 }),
      );
    }
    await settled();
    expect(puts()).toEqual([
      { id: "a.png", phrase: EVIL, instance: 0, decision: "accept", box: [20, 20, 70, 50] },
    ]);
    expect(verdicts()[0]).toBe("✓ accepted, box corrected");
    await press("r");
    expect(puts().at(-1)).toMatchObject({ decision: "reject", box: [20, 20, 70, 50] });
  });

  it("is filtered by score, warning and decision", async () => {
    const set = async (name: string, value: string): Promise<void> => {
      const field = page.named<HTMLInputElement>(name);
      field.value = value;
      field.dispatchEvent(new Event("change"));
      await settled();
    };
    await set("Least score", "0.5");
    await set("Warning", "true");
    rows = [];
    await set("Decision", "none");
    expect(page.server.asked("folder?").at(-1)?.path).toBe(
      "folder?least_score=0.5&warning=true&decision=none&offset=0&limit=60",
    );
    expect(title()).toBe("No object passes the filter.");
  });

  it("gives its file of decisions", async () => {
    const clicked = vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(() => undefined);
    await press("d");
    expect(page.server.asked("folder/decisions")).toHaveLength(1);
    expect(clicked).toHaveBeenCalledTimes(1);
  });

  it("says when a decision was not kept, and shows none", async () => {
    page.server.on("PUT folder/decisions", () => new Refused(507, "not-written", "The disk is full."));
    await press("a");
    expect(page.status()).toBe("Not done: The disk is full.");
    expect(verdicts()[0]).toBe("");
  });

  it("hands an object over to be looked at by the model", async () => {
    await press("ArrowRight");
    await press("l");
    for (let turn = 0; turn < 4; turn += 1) await settled();
    expect(page.server.asked("folder/pictures/b.png?side=4096")).toHaveLength(1);
    expect(page.server.asked("ground")[0]?.body).toMatchObject({ image: "ab12", phrase: "cat" });
    expect(page.find("[aria-pressed=true]").textContent).toBe("Look");
  });

  it("gives way to what is asked of the model", async () => {
    page.type("Phrase", "dog");
    expect(page.find("[aria-pressed=true]").textContent).toBe("Look");
  });

  it("loads more, none twice", async () => {
    page.close();
    const fake = server({ ...SESSION, folder: { name: "labels", images: 3, objects: 3 } })
      .on("GET folder?", ({ path }) => ({
        total: 3,
        rows: path.includes("offset=0") ? rows.slice(0, 2) : rows.slice(1),
      }))
      .on("GET folder/pictures/", () => Uint8Array.of(255, 216));
    page = await openPage(fake);
    await settled();
    await page.click("Show more");
    expect(page.target.querySelectorAll(".a-thumbnails li")).toHaveLength(3);
  });
});
