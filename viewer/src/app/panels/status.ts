/** One line that says what the page does and what went wrong; its height never changes. */

import { element } from "../../ui/dom";
import type { Api } from "../net/api";
import { sentence } from "../net/failure";

const PATIENCE_MS = 600; // questions that are answered sooner need no words about the line of jobs
const EVERY_MS = 900;

export class StatusLine {
  readonly whole: HTMLElement;
  private readonly words = element("p", {
    class: "a-words",
    role: "status",
    "aria-live": "polite",
    dir: "auto",
  });
  private readonly stop = element("button", { type: "button", class: "v-button", hidden: true }, "Cancel");
  private readonly asking = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private cancels = new Map<string, () => void>();

  constructor(private readonly api: Pick<Api, "queue">) {
    this.whole = element("div", { class: "a-status" }, [this.words, this.stop]);
    this.stop.addEventListener("click", () => {
      for (const cancel of [...this.cancels.values()]) cancel();
      this.say("Cancelled.");
    });
  }

  /** What a result says, for those who do not see it. */
  say(text: string): void {
    this.write(text, "");
  }

  fail(error: unknown): void {
    this.write(sentence(error), "error");
  }

  /** Begin or end to say that `name` is asked; `cancel` is what the button does meanwhile. */
  busy(name: string, asking: boolean, cancel: () => void): void {
    if (asking) {
      this.asking.add(name);
      this.cancels.set(name, cancel);
      this.timer ??= setTimeout(() => void this.waiting(), PATIENCE_MS);
      return;
    }
    this.asking.delete(name);
    this.cancels.delete(name);
    if (this.asking.size === 0) this.rest();
  }

  private rest(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.stop.hidden = true;
    this.whole.dataset["busy"] = "no";
    if (this.words.dataset["kind"] === "wait") this.write("", "");
  }

  private async waiting(): Promise<void> {
    this.stop.hidden = false;
    this.whole.dataset["busy"] = "yes";
    const text = await this.api.queue().then(placeText, () => "Working…");
    if (this.asking.size === 0) return;
    this.write(text, "wait");
    this.timer = setTimeout(() => void this.waiting(), EVERY_MS);
  }

  private write(text: string, kind: string): void {
    this.words.dataset["kind"] = kind;
    // an error is told apart by its first word, not by its colour alone
    const whole = kind === "error" ? `Not done: ${text}` : text;
    if (this.words.textContent !== whole) this.words.textContent = whole;
    this.words.title = whole;
  }
}

function placeText(places: { waiting: number; of: number | null }): string {
  if (!places.of) return "Working…";
  return places.of === 1 ? "Waiting: one job before yours." : `Waiting: ${places.of} jobs before yours.`;
}
