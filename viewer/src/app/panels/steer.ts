import { element, replaceAll } from "../../ui/dom";
import { isolate } from "../../ui/text";
import { headsText } from "../heads_text";
import type { Box, Head, Steered } from "../net/messages";
import { boxFields } from "./box_fields";
import type { MatterPanel } from "./matter";
import { askForm, panel, question, type Around } from "./panel";
import { labelled } from "./controls";
import type { State } from "../state";

/** What a panel may do with the picture that is shown. */
export interface PictureTools {
  /** Let a box be dragged; null ends it. Drawing shows `box` where one is given. */
  dragBox(box: Box | null, drawn: ((box: Box) => void) | null): void;
  /** Box of the phrase that is shown, where it has one. */
  phraseBox(): Box | null;
}

const STRENGTH = { least: -8, most: 8, step: 0.5, first: 4 };

/** "Look here": chosen heads are pulled towards a box, and the question is asked again. */
export function steerPart(around: Around, tools: PictureTools): MatterPanel {
  const { api, store, status } = around;
  const answers = element("div", { class: "a-answers" });
  const live = question<Steered>(around, "steer", (steered) => {
    replaceAll(answers, both(steered));
    status.say(`Steered, the model says: ${isolate(steered.steered.text)}`);
  });
  const strength = strengthSlider();
  const box = boxFields(
    () => tools.phraseBox(),
    (value) => tools.dragBox(value, box.set),
  );
  const ask = (): void => {
    const { image, question: text } = store.state;
    const heads = steered(store.state);
    const region = box.get();
    if (!image || !text.trim()) return status.fail(new Error("A picture and a question are needed here."));
    if (!region) return status.fail(new Error("Drag a box on the picture first, or type its sides."));
    const chosen = heads ? { heads } : {};
    live.ask((signal) =>
      api.steer(
        { image: image.image, question: text, box: region, strength: strength.value(), ...chosen },
        { signal },
      ),
    );
  };
  store.heard((state, changed) => {
    if (!changed.has("mode") && !changed.has("image")) return;
    const isHere = state.mode === "matter";
    tools.dragBox(isHere ? box.get() : null, isHere ? box.set : null);
  });
  const text = "Drag a box on the picture. Some heads get a bias towards it, and the model answers again.";
  return {
    whole: panel("Look here", text, [
      askForm([box.whole, strength.whole], "Answer again", ask),
      headsLine(around),
      answers,
    ]),
    forget() {
      live.cancel();
      box.clear();
      replaceAll(answers, []);
    },
  };
}

/** Heads that are kept on the picture, or else those that are read from; null: the app's own. */
function steered(state: State): Head[] | null {
  return state.locked.length ? state.locked : state.heads;
}

/** Which heads will be steered, said before they are. */
function headsLine(around: Around): HTMLElement {
  const { session, store } = around;
  const line = element("p", { class: "v-caption" });
  const show = (): void => {
    const { locked, heads } = store.state;
    const why = locked.length
      ? "locked in the grid"
      : heads
        ? "those that are read from"
        : "those of the app";
    line.textContent = `Heads: ${headsText(steered(store.state) ?? session.heads) || "none known; lock some in the grid"} (${why}).`;
  };
  store.heard((_, changed) => (changed.has("locked") || changed.has("heads")) && show());
  show();
  return line;
}

function strengthSlider(): { whole: HTMLElement; value(): number } {
  const slider = element("input", {
    type: "range",
    min: STRENGTH.least,
    max: STRENGTH.most,
    step: STRENGTH.step,
    value: STRENGTH.first,
    "aria-label": "Strength",
  });
  const shown = element("output", {}, slider.value);
  slider.addEventListener("input", () => {
    shown.textContent = slider.value;
    slider.setAttribute("aria-valuetext", slider.value === "0" ? "0, the clean model" : slider.value);
  });
  return {
    whole: labelled(
      "Strength (0: the clean model)",
      element("span", { class: "a-slider" }, [slider, shown]),
      "a-strength",
    ),
    value: () => Number(slider.value),
  };
}

function both(steered: Steered): HTMLElement[] {
  const same = steered.clean.text === steered.steered.text;
  const note = `Strength ${steered.strength}, heads ${headsText(steered.heads)}${same ? ". The answer is the same." : ""}`;
  return [
    answer("By itself", steered.clean.text),
    answer("Looking at the box", steered.steered.text),
    element("p", { class: "v-caption" }, note),
  ];
}

function answer(title: string, text: string): HTMLElement {
  return element("figure", { class: "a-answer" }, [
    element("figcaption", {}, title),
    element("blockquote", { dir: "auto" }, text || "(nothing)"),
  ]);
}
