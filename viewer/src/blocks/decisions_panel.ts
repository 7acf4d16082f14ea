import type { ArrayRef } from "../format/types";
import { element } from "../ui/dom";
import type { ShownItem } from "./decisions";
import type { DecisionState } from "./decisions_state";

export interface ObjectPanel {
  whole: HTMLElement;
  show(items: ShownItem[], state: DecisionState, url: (picture: ArrayRef) => string): void;
}

const COMMAND = "vlmscope stats DIR --decisions decisions.json";

/** The object that is asked about, how far one is, and what was decided so far. */
export function objectPanel(): ObjectPanel {
  const place = element("span", { class: "place soft" }, []);
  const bar = element("progress", { class: "done", "aria-label": "Decided" }, []);
  const counts = element("p", { class: "counts soft", "aria-live": "polite" }, []);
  const done = element("p", { class: "finished", hidden: "" }, [
    "Every object has a decision. Download them, then: ",
    element("code", {}, [COMMAND]),
  ]);
  const phrase = element("h2", { class: "phrase", dir: "auto" }, []);
  const image = element("img", { alt: "The object in its surroundings, with its box" }, []);
  const missing = element("span", { class: "missing soft" }, []);
  const picture = element("div", { class: "object" }, [image, missing]);
  const facts = element("p", { class: "soft", dir: "auto" }, []);
  const warnings = element("p", { class: "note", role: "note", dir: "auto" }, []);
  const top = element("div", { class: "top" }, [counts, place]);

  function show(items: ShownItem[], state: DecisionState, url: (picture: ArrayRef) => string): void {
    const item = items[state.at];
    if (!item) return;
    const verdict = state.verdicts[state.at] ?? null;
    phrase.textContent = `“${item.phrase}”`;
    showPicture(image, item, url);
    missing.hidden = item.picture !== null;
    missing.textContent = item.missing ?? "";
    picture.className = `object ${verdict ?? ""}`;
    facts.textContent = [item.id, scoreOf(item), verdict].filter(Boolean).join(" · ");
    warnings.hidden = item.warnings.length === 0;
    warnings.textContent = item.warnings.join(" ");
    place.textContent = `${state.at + 1} / ${items.length}`;
    counts.textContent = summary(state);
    bar.max = items.length;
    bar.value = items.length - state.count(null);
    done.hidden = state.count(null) > 0;
  }

  return { whole: element("div", {}, [top, bar, done, phrase, picture, facts, warnings]), show };
}

function showPicture(image: HTMLImageElement, item: ShownItem, url: (picture: ArrayRef) => string): void {
  image.hidden = item.picture === null;
  if (item.picture === null) return;
  image.src = url(item.picture);
  if (item.width) image.width = item.width;
  if (item.height) image.height = item.height;
}

function scoreOf(item: ShownItem): string {
  return item.score === null ? "no score" : `score ${Number(item.score.toPrecision(4))}`;
}

function summary(state: DecisionState): string {
  const counts = [state.count("accept"), state.count("reject"), state.count("unsure"), state.count(null)];
  return `${counts[0]} accepted, ${counts[1]} rejected, ${counts[2]} unsure, ${counts[3]} to go`;
}
