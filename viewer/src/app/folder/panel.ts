/** A folder of labels: look through its objects, decide by keys, correct boxes, take the file along. */

import { element } from "../../ui/dom";
import { saveFile } from "../../ui/save";
import { isolate } from "../../ui/text";
import { Live } from "../net/live";
import type { Box, ImageInfo, Verdict } from "../net/messages";
import type { Around } from "../panels/panel";
import { Browser, EVERYTHING, type Filter } from "./browser";
import { filterForm } from "./filter";
import { onKeys } from "./keys";
import { objectView } from "./object_view";
import { FolderPictures } from "./pictures";
import { thumbnails } from "./thumbnails";
import { toolbar } from "./toolbar";

const LARGEST = 4096; // pixels of the longer side of a picture that is handed on

const SAID = { accept: "Accepted", reject: "Rejected", unsure: "Unsure", none: "No decision" };

export class FolderPanel {
  readonly whole: HTMLElement;
  private readonly browser: Browser;
  private readonly count = element("p", { class: "v-caption", "aria-live": "polite" });
  private readonly more = element("button", { type: "button", class: "v-button", hidden: true }, "Show more");
  private readonly large;
  private readonly list;
  private readonly loading: Live<void>;
  private isOpen = false;

  /** @param opened takes a file in as a picture that can be asked about. */
  constructor(
    private readonly around: Around,
    private readonly opened: (file: Blob) => Promise<ImageInfo>,
  ) {
    const { api, status, store, gone } = around;
    this.browser = new Browser(api);
    const pictures = new FolderPictures(api);
    this.large = objectView(
      pictures,
      (box) => void this.decide(this.browser.row?.decision ?? "accept", box, 0),
    );
    this.list = thumbnails(pictures, (at) => this.walk(at - this.browser.at));
    this.loading = new Live<void>({ show: () => this.fill(), fail: (error) => status.fail(error) });
    this.more.addEventListener(
      "click",
      () =>
        void this.tried(async () => {
          await this.browser.more();
          this.fill();
        }),
    );
    const actions = this.actions();
    onKeys(() => store.state.mode === "folder", actions, gone);
    this.whole = element("div", { class: "a-folder" }, [
      element("div", { class: "a-folder-left" }, [this.large.whole, toolbar(actions)]),
      element("div", { class: "a-folder-right" }, [
        filterForm((filter) => this.load(filter)),
        this.count,
        this.list.whole,
        this.more,
      ]),
    ]);
  }

  /** Load what is listed, the first time that somebody looks. */
  open(): void {
    if (!this.isOpen) this.load(EVERYTHING);
    this.isOpen = true;
  }

  private actions(): Record<string, () => void> {
    return {
      accept: () => void this.decide("accept", null, 1),
      reject: () => void this.decide("reject", null, 1),
      unsure: () => void this.decide("unsure", null, 1),
      clear: () => void this.decide(null, null, 0),
      back: () => this.walk(-1),
      next: () => this.walk(1),
      look: () => void this.tried(() => this.handOn()),
      save: () => void this.tried(() => this.save()),
    };
  }

  private load(filter: Filter): void {
    this.loading.ask((signal) => this.browser.filtered(filter, signal));
  }

  private fill(): void {
    this.list.fill(this.browser.rows);
    this.show();
  }

  private show(): void {
    const { row, rows, at, total, hasMore } = this.browser;
    this.large.show(row);
    this.list.mark(rows, at);
    this.count.textContent = total ? `${at + 1} of ${total}` : "No object passes the filter.";
    this.more.hidden = !hasMore;
  }

  private walk(step: number): void {
    this.browser.walk(step);
    this.show();
  }

  /** A box that somebody drew before stays with a new verdict. */
  private decide(verdict: Verdict | null, box: Box | null, step: number): Promise<void> {
    return this.tried(async () => {
      const { row } = this.browser;
      await this.browser.decide(verdict, box ?? row?.corrected ?? null);
      if (row)
        this.around.status.say(`${SAID[verdict ?? "none"]}: “${isolate(row.phrase)}” in ${isolate(row.id)}.`);
      this.walk(step);
    });
  }

  /** The object becomes a picture and a phrase that the model is asked about. */
  private async handOn(): Promise<void> {
    const { row } = this.browser;
    if (!row) return;
    const image = await this.opened(await this.around.api.folderPicture(row.id, LARGEST));
    this.around.store.set({ image, phrase: row.phrase, mode: "look" });
  }

  private async save(): Promise<void> {
    const text = await this.around.api.decisionsFile();
    saveFile("decisions.json", new Blob([text], { type: "application/json" }));
  }

  private async tried(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.around.status.fail(error);
    }
  }
}
