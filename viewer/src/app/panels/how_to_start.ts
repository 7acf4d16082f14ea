import { element } from "../../ui/dom";
import type { Session } from "../net/messages";

/** Beside a picture that nothing was asked about: what can be done here. */
export function howToStart(session: Session): HTMLElement {
  const steps = [
    "Open, drop or paste a picture. It stays in this program's memory; nothing is stored.",
    "Type a phrase. The map follows what you type.",
  ];
  if (session.model.kind === "decoder") {
    steps.push(
      "Point at a head in the grid to see what it alone looks at; click to keep it, shift-click for the mean of several.",
    );
  }
  return element("section", { class: "a-start", "aria-label": "How to start" }, [
    element(
      "ol",
      {},
      steps.map((text) => element("li", {}, text)),
    ),
  ]);
}
