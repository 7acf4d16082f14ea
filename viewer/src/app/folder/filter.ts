import { element } from "../../ui/dom";
import { labelled } from "../panels/controls";
import { EVERYTHING, type Filter } from "./browser";

/** Which objects are listed: by score, by warning, by decision. */
export function filterForm(changed: (filter: Filter) => void): HTMLElement {
  const score = element("input", {
    type: "number",
    step: "any",
    "aria-label": "Least score",
    placeholder: "any",
  });
  const warning = choice("Warning", [
    ["", "any"],
    ["true", "with a warning"],
    ["false", "without"],
  ]);
  const decision = choice("Decision", [
    ["", "any"],
    ["none", "not yet"],
    ["accept", "accepted"],
    ["reject", "rejected"],
    ["unsure", "unsure"],
  ]);
  const tell = (): void =>
    changed({
      ...EVERYTHING,
      least_score: score.value === "" ? null : Number(score.value),
      warning: warning.value === "" ? null : warning.value === "true",
      decision: (decision.value || null) as Filter["decision"],
    });
  for (const field of [score, warning, decision]) field.addEventListener("change", tell);
  return element(
    "form",
    { class: "a-ask", "aria-label": "Filter", onsubmit: (event: Event) => event.preventDefault() },
    [
      labelled("Least score", score, "a-least"),
      labelled("Warning", warning, ""),
      labelled("Decision", decision, ""),
    ],
  );
}

function choice(name: string, options: [string, string][]): HTMLSelectElement {
  return element(
    "select",
    { "aria-label": name },
    options.map(([value, text]) => element("option", { value }, text)),
  );
}
