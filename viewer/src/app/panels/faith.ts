import type { MatterPanel } from "./matter";
import { askForm, panel, viewQuestion, type Around } from "./panel";

/** Parts of the picture are taken away or shown, the brightest of the phrase's map first. */
export function faithPart(around: Around): MatterPanel {
  const { api, store, status } = around;
  const { place, live } = viewQuestion(around, "faithfulness", () => "Insertion and deletion are drawn.");
  const ask = (): void => {
    const { image, phrase, question } = store.state;
    if (!image || !phrase.trim()) return status.fail(new Error("A picture and a phrase are needed here."));
    const about = question.trim() ? { question } : {};
    live.ask((signal) => api.faithfulness({ image: image.image, phrase, ...about }, { signal }));
  };
  const text =
    "Does the answer need what the phrase's map lights up? Taken away, or shown alone, beside a random order.";
  return {
    whole: panel("Insertion and deletion", text, [askForm([], "Measure", ask), place.whole]),
    forget() {
      live.cancel();
      place.clear();
    },
  };
}
