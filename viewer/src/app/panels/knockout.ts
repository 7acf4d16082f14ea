import { element } from "../../ui/dom";
import { labelled } from "./controls";
import type { MatterPanel } from "./matter";
import { askForm, panel, viewQuestion, type Around } from "./panel";

/** What may be blocked, in words; the ids are those of `vlmscope knockout --edges`. */
const EDGES: [string, string][] = [
  ["image->query", "image to question"],
  ["image->generated", "image to answer"],
  ["image->both", "image to question and answer"],
  ["image->last", "image to last position"],
  ["query->generated", "question to answer"],
];

/** The answer while attention is blocked in one window of layers after the other. */
export function knockoutPart(around: Around): MatterPanel {
  const { api, session, store, status } = around;
  const { place, live } = viewQuestion(around, "knockout", () => "Blocked window after window; the slider walks through them.");
  const edges = element("select", { "aria-label": "What is blocked" }, EDGES.map(([value, text]) => element("option", { value }, text)));
  const depth = session.model.layers ?? 1;
  const width = element("input", { type: "number", min: 1, max: depth, value: Math.max(1, Math.round(depth / 8)), "aria-label": "Layers per window" });
  const fields = [labelled("Blocked", edges, "a-edges"), labelled("Layers per window", width, "a-window")];
  const ask = (): void => {
    const { image, question } = store.state;
    if (!image || !question.trim()) return status.fail(new Error("A picture and a question are needed here."));
    const window = Math.min(depth, Math.max(1, Math.round(Number(width.value)) || 1));
    live.ask((signal) => api.knockout({ image: image.image, question, window, edges: edges.value }, { signal }));
  };
  const text = "Attention is cut in a window of layers and the question is asked again.";
  return {
    whole: panel("Knock-out", text, [askForm(fields, "Block", ask), place.whole]),
    forget() {
      live.cancel();
      place.clear();
    },
  };
}
