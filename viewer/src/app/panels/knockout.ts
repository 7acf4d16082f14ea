import { element } from "../../ui/dom";
import type { KnockoutQuestion, Session } from "../net/messages";
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
  const said = (): string => "Blocked window after window; the slider walks through them.";
  const { place, live } = viewQuestion(around, "knockout", said);
  const blocked = blockedFields(session);
  const ask = (): void => {
    const { image, question } = store.state;
    if (!image || !question.trim())
      return status.fail(new Error("A picture and a question are needed here."));
    const settings = blocked.settings();
    if (typeof settings === "string") return status.fail(new Error(settings));
    live.ask((signal) => api.knockout({ image: image.image, question, ...settings }, { signal }));
  };
  const text = "Attention is cut in a window of layers and the question is asked again.";
  return {
    whole: panel("Knock-out", text, [askForm(blocked.fields, "Block", ask), place.whole]),
    forget() {
      live.cancel();
      place.clear();
    },
  };
}

type Settings = Pick<KnockoutQuestion, "window" | "edges" | "heads">;

/** Which edges, how many layers at a time, which heads; or a sentence about what is wrong. */
function blockedFields(session: Session): { fields: HTMLElement[]; settings(): Settings | string } {
  const depth = session.model.layers ?? 1;
  const options = EDGES.map(([value, text]) => element("option", { value }, text));
  const edges = element("select", { "aria-label": "What is blocked" }, options);
  const width = element("input", {
    type: "number",
    min: 1,
    max: depth,
    value: Math.max(1, Math.round(depth / 8)),
    "aria-label": "Layers per window",
  });
  const heads = element("input", { type: "text", placeholder: "all", "aria-label": "Only heads" });
  return {
    fields: [
      labelled("Blocked", edges, "a-edges"),
      labelled("Layers per window", width, "a-window"),
      labelled("Only heads", heads, "a-window"),
    ],
    settings() {
      const numbers = numbersFrom(heads.value, session.model.heads ?? Infinity);
      if (typeof numbers === "string") return numbers;
      const window = Math.min(depth, Math.max(1, Math.round(Number(width.value)) || 1));
      return { window, edges: edges.value, ...(numbers.length ? { heads: numbers } : {}) };
    },
  };
}

/** Numbers of heads, the same in every blocked layer: "0, 3". */
function numbersFrom(text: string, count: number): number[] | string {
  const parts = text.split(/[\s,;]+/).filter(Boolean);
  const wrong = parts.find((part) => !/^\d+$/.test(part) || Number(part) >= count);
  if (wrong === undefined) return [...new Set(parts.map(Number))];
  return `Heads are numbers from 0 to ${count - 1}, such as 0, 3; “${wrong.slice(0, 40)}” is none.`;
}
