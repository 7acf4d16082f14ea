import { vi } from "vitest";
import "../fakes";
import { startApp } from "../../src/app/start";
import { FakeServer, SESSION, settled } from "./fake_server";
import { heads, scene } from "./packing";

export interface Page {
  target: HTMLElement;
  server: FakeServer;
  find<T extends HTMLElement = HTMLElement>(selector: string): T;
  named<T extends HTMLElement = HTMLElement>(name: string): T;
  type(name: string, text: string): void;
  choose(name: string, file: File): Promise<void>;
  click(text: string): Promise<void>;
  status(): string;
  close(): void;
}

/** A server that answers phrases with a scene named after them. */
export function server(session: unknown = SESSION): FakeServer {
  return new FakeServer()
    .on("GET session", () => session)
    .on("GET images/", () => Uint8Array.of(255, 216))
    .on("POST images", () => ({ image: "ab12", width: 20, height: 10 }))
    .on("GET queue", () => ({ waiting: 0, running: 1, of: 0 }))
    .view("POST ground", ({ body }) => [scene(String((body as Record<string, unknown>)["phrase"])), heads()]);
}

export async function openPage(fake: FakeServer, hash = ""): Promise<Page> {
  vi.spyOn(globalThis, "fetch").mockImplementation(fake.fetch as typeof fetch);
  let number = 0;
  URL.createObjectURL = vi.fn(() => `blob:${number++}`);
  URL.revokeObjectURL = vi.fn();
  history.replaceState(null, "", `/${hash}`);
  const target = document.createElement("main");
  target.id = "vlmscope";
  document.body.replaceChildren(target);
  const gone = new AbortController();
  await startApp(target, "api/", gone.signal);
  await settled();
  return pageOf(target, fake, gone);
}

function pageOf(target: HTMLElement, fake: FakeServer, gone: AbortController): Page {
  const find = <T extends HTMLElement>(selector: string): T => {
    const found = target.querySelector<T>(selector);
    if (!found) throw new Error(`nothing is ${selector} in ${target.innerHTML.slice(0, 2000)}`);
    return found;
  };
  const named = <T extends HTMLElement>(name: string): T => {
    const all = [...target.querySelectorAll<T>(`[aria-label="${name}"]`)];
    return all.find((each) => !each.closest("[hidden]")) ?? find(`[aria-label="${name}"]`);
  };
  return {
    target,
    server: fake,
    find,
    named,
    type(name, text) {
      const field = named<HTMLInputElement>(name);
      field.value = text;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    },
    async choose(name, file) {
      const input = named<HTMLInputElement>(name);
      Object.defineProperty(input, "files", { value: [file], configurable: true });
      input.dispatchEvent(new Event("change", { bubbles: true }));
      await settled();
    },
    async click(text) {
      const buttons = [...target.querySelectorAll("button")].filter((button) => !button.closest("[hidden]"));
      const button = buttons.find((each) => each.textContent?.trim() === text);
      if (!button)
        throw new Error(`no button is called ${text}: ${buttons.map((each) => each.textContent).join("|")}`);
      if (button.type === "submit") button.closest("form")?.requestSubmit();
      else button.click();
      await settled();
    },
    status: () => (find("[role=status]").textContent ?? "").replace(/[\u2068\u2069]/g, ""),
    close() {
      gone.abort();
      document.body.replaceChildren();
      vi.restoreAllMocks();
    },
  };
}

export function pictureFile(bytes = 10): File {
  return new File([new Uint8Array(bytes)], "cat.png", { type: "image/png" });
}

/** Type a phrase, and wait until it was asked and answered. */
export async function phrase(page: Page, text: string): Promise<void> {
  page.type("Phrase", text);
  await new Promise((done) => setTimeout(done, 80));
  await settled();
}
