/** A folder of labels: look through its objects, decide by keys, correct boxes, take the file along. */

import { element } from "../../ui/dom";
import { saveFile } from "../../ui/save";
import { Live } from "../net/live";
import type { Box, Verdict } from "../net/messages";
import type { Around } from "../panels/panel";
import { Browser, EVERYTHING, type Filter } from "./browser";
import { filterForm } from "./filter";
import { onKeys } from "./keys";
import { objectView } from "./object_view";
import { FolderPictures } from "./pictures";
import { thumbnails } from "./thumbnails";

export interface FolderPanel {
  whole: HTMLElement;
  /** Load what is listed, the first time that somebody looks. */
  open(): void;
}

export function folderPanel(around: Around): FolderPanel {
  const { api, status, store } = around;
  const browser = new Browser(api);
  const pictures = new FolderPictures(api);
  const count = element("p", { class: "v-caption", "aria-live": "polite" });
  const more = element("button", { type: "button", class: "v-button", hidden: true }, "Show more");
  const large = objectView(pictures, (box) => void decide(browser.row?.decision ?? "accept", box, 0));
  const list = thumbnails(pictures, (at) => {
    browser.at = at;
    show();
  });

  function show(): void {
    large.show(browser.row);
    list.mark(browser.rows, browser.at);
    count.textContent = browser.total ? `${browser.at + 1} of ${browser.total}` : "No object passes the filter.";
    more.hidden = !browser.hasMore;
  }

  function filled(): void {
    list.fill(browser.rows);
    show();
  }

  async function decide(verdict: Verdict | null, box: Box | null, step: number): Promise<void> {
    try {
      await browser.decide(verdict, box ?? (verdict ? (browser.row?.corrected ?? null) : null));
      browser.walk(step);
      show();
    } catch (error) {
      status.fail(error);
    }
  }

  const loading = new Live<void>({ show: filled, fail: (error) => status.fail(error) });
  const load = (filter: Filter): void => loading.ask((signal) => browser.filtered(filter, signal));
  more.addEventListener("click", () => void browser.more().then(filled, (error: unknown) => status.fail(error)));
  const walk = (step: number): void => {
    browser.walk(step);
    show();
  };
  const actions = {
    accept: () => void decide("accept", null, 1),
    reject: () => void decide("reject", null, 1),
    unsure: () => void decide("unsure", null, 1),
    clear: () => void decide(null, null, 0),
    back: () => walk(-1),
    next: () => walk(1),
    save: () => void save(),
  };
  async function save(): Promise<void> {
    try {
      saveFile("decisions.json", new Blob([await api.decisionsFile()], { type: "application/json" }));
    } catch (error) {
      status.fail(error);
    }
  }
  onKeys(() => store.state.mode === "folder", actions, around.gone);
  let opened = false;
  return {
    whole: element("div", { class: "a-folder" }, [
      element("div", { class: "a-folder-left" }, [large.whole, buttons(actions)]),
      element("div", { class: "a-folder-right" }, [filterForm(load), count, list.whole, more]),
    ]),
    open() {
      if (!opened) load(EVERYTHING);
      opened = true;
    },
  };
}

const BUTTONS: [string, string, string][] = [
  ["accept", "Accept", "a"], ["reject", "Reject", "r"], ["unsure", "Unsure", "u"], ["clear", "Clear", "z"],
  ["back", "←", "ArrowLeft"], ["next", "→", "ArrowRight"], ["save", "Download", "d"],
];
const SPOKEN: Record<string, string> = { back: "Object before", next: "Next object" };

function buttons(actions: Record<string, () => void>): HTMLElement {
  const made = BUTTONS.map(([name, text, key]) => {
    const hint = key.length === 1 ? [" ", element("kbd", { "aria-hidden": true }, key)] : [];
    const attributes = { type: "button", class: "v-button", "aria-keyshortcuts": key, "aria-label": SPOKEN[name] };
    return element("button", { ...attributes, onclick: () => actions[name]?.() }, [text, ...hint]);
  });
  return element("div", { class: "a-decide", role: "toolbar", "aria-label": "Decide" }, made);
}
