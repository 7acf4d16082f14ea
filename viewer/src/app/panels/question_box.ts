import { element } from "../../ui/dom";
import type { Session } from "../net/messages";
import type { Store } from "../state";
import { labelled } from "./controls";

/** The question to the model: one text, wherever on the page it is typed. */
export function questionBox(session: Session, store: Store): HTMLElement {
  const box = element("input", {
    type: "text",
    maxlength: session.limits.phrase,
    placeholder: "What is in the picture?",
    autocomplete: "off",
    dir: "auto",
    "aria-label": "Question",
  });
  box.value = store.state.question;
  box.addEventListener("input", () => store.set({ question: box.value }));
  store.heard((state, changed) => {
    if (changed.has("question") && box.value !== state.question) box.value = state.question;
  });
  return labelled("Question", box, "a-question");
}
