import type { View } from "../../format/types";
import { isolate } from "../../ui/text";
import type { ViewPlace } from "../view_place";
import { askForm, panel, viewQuestion, type Around } from "./panel";
import { questionBox } from "./question_box";

export interface AskPanel {
  whole: HTMLElement;
  place: ViewPlace;
  forget(): void;
}

/** Ask the model, and see what each word of its answer looked at. */
export function askPanel(around: Around): AskPanel {
  const { api, session, store, status } = around;
  const { place, live } = viewQuestion(around, "ask", answerOf);
  const ask = (): void => {
    const { image, question } = store.state;
    if (!image) return status.fail(new Error("Open a picture first."));
    if (!question.trim()) return status.fail(new Error("Type a question first."));
    live.ask((signal) => api.answer(image.image, question, { signal }));
  };
  const form = askForm([questionBox(session, store)], "Ask", ask);
  const text = "The model answers; a click on a word shows what it looked at, layer by layer.";
  return {
    whole: panel("Ask", text, [form]),
    place,
    forget() {
      live.cancel();
      place.clear();
    },
  };
}

function answerOf(view: View): string {
  const words = view.blocks.find((block) => block.type === "words") as { text?: string } | undefined;
  return words?.text ? `The model says: ${isolate(words.text)}` : "Answered.";
}
