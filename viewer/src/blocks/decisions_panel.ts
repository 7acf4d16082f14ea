import type { DecisionsBlock } from "../format/types";
import { element } from "../ui/dom";
import type { DecisionState } from "./decisions_state";

type Item = DecisionsBlock["items"][number];

export interface ObjectPanel {
  whole: HTMLElement;
  show(state: DecisionState): void;
}

const COMMAND = "vlmscope stats DIR --decisions decisions.json";

/**
 * How far one is, what was decided so far, and the object that is asked about.
 *
 * @param urls address of each item's picture, null where it has none.
 */
export function objectPanel(items: Item[], urls: (string | null)[]): ObjectPanel {
  const progress = progressLine(items.length);
  const object = shownObject();
  return {
    whole: element("div", {}, [progress.whole, object.whole]),
    show(state) {
      const item = items[state.at];
      if (!item) return;
      progress.show(state);
      object.show(item, urls[state.at] ?? null, state.verdicts[state.at] ?? null);
    },
  };
}

function progressLine(count: number): ObjectPanel {
  const place = element("span", { class: "v-place" });
  const bar = element("progress", { class: "v-decided", "aria-label": "Decided", max: Math.max(1, count) });
  const counts = element("span", { class: "v-counts", "aria-live": "polite" });
  const done = element("p", { class: "v-finished", hidden: true }, [
    "Every object has a decision. Download them, then: ",
    element("code", {}, COMMAND),
  ]);
  const line = element("p", { class: "v-caption v-progress" }, [counts, place]);
  return {
    whole: element("div", {}, [line, bar, done]),
    show(state) {
      place.textContent = `${state.at + 1} / ${count}`;
      counts.textContent = summary(state);
      bar.value = count - state.count(null);
      done.hidden = state.count(null) > 0;
    },
  };
}

interface ShownObject {
  whole: HTMLElement;
  show(item: Item, url: string | null, verdict: string | null): void;
}

function shownObject(): ShownObject {
  const phrase = element("h2", { class: "v-phrase", dir: "auto" });
  const image = element("img", { alt: "The object in its surroundings, with its box" });
  const missing = element("span", { class: "v-missing", dir: "auto" });
  const picture = element("div", { class: "v-object" }, [image, missing]);
  const facts = element("p", { class: "v-caption", dir: "auto" });
  const warnings = element("p", { class: "v-note", role: "note", dir: "auto" });
  return {
    whole: element("div", {}, [phrase, picture, facts, warnings]),
    show(item, url, verdict) {
      phrase.textContent = `“${item.phrase}”`;
      image.hidden = url === null;
      if (url !== null) Object.assign(image, { src: url, width: item.width, height: item.height });
      missing.hidden = url !== null;
      missing.textContent = item.missing ?? "";
      picture.dataset["verdict"] = verdict ?? "";
      facts.textContent = [item.id, scoreOf(item), verdict].filter(Boolean).join(" · ");
      warnings.hidden = item.warnings.length === 0;
      warnings.textContent = item.warnings.join(" ");
    },
  };
}

function scoreOf(item: Item): string {
  return item.score === null ? "no score" : `score ${Number(item.score.toPrecision(4))}`;
}

function summary(state: DecisionState): string {
  const [accepted, rejected, unsure, open] = (["accept", "reject", "unsure", null] as const).map((verdict) =>
    state.count(verdict),
  );
  return `${accepted} accepted, ${rejected} rejected, ${unsure} unsure, ${open} to go`;
}
