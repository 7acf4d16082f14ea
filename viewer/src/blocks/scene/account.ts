/** Beside a scene: its score against chance, the evidence of its heads, warnings, facts. */

import type { Pair, Scene } from "../../format/types";
import { folded } from "../../ui/controls";
import { element } from "../../ui/dom";
import { figure, isolated } from "../../ui/text";

/**
 * All of it, and `exports` to take it with one; a scene in a row of others (`brief`) folds the long
 * parts away.
 */
export function account(scene: Scene, exports: HTMLElement, brief: boolean): HTMLElement {
  const details = [
    evidence(scene),
    scene.facts.length ? facts("About this result", scene.facts, "v-about-result") : null,
    exports,
  ];
  return element("div", { class: "v-account" }, [
    // in a row, the line beneath the picture says it already
    brief ? null : element("h2", { class: "v-scene-title" }, isolated(scene.title)),
    score(scene),
    scene.box || scene.score === null
      ? null
      : element("p", { class: "v-soft" }, "No box: nothing lights up."),
    warnings(scene.warnings),
    ...(brief ? [folded("More about this result", details)] : details),
  ]);
}

function score(scene: Scene): HTMLElement | null {
  if (scene.score === null && !scene.chance) return null;
  const chance = scene.chance;
  return element("p", { class: "v-score" }, [
    element("span", { class: "v-score-value" }, figure(scene.score)),
    element("span", { class: "v-soft" }, [
      scene.score_note ? isolated(` ${scene.score_note}`) : " score",
      chance ? element("br") : null,
      chance ? `${chance.name}: ${figure(chance.value)}` : null,
    ]),
  ]);
}

function evidence(scene: Scene): HTMLElement | null {
  if (scene.evidence === null) {
    return element(
      "p",
      { class: "v-note" },
      "No evidence is stored for these heads: nobody has measured here how often they point at the object.",
    );
  }
  return scene.evidence.length ? facts("Evidence of the heads", scene.evidence, "v-evidence") : null;
}

function warnings(texts: readonly string[]): HTMLElement | null {
  if (!texts.length) return null;
  return element(
    "ul",
    { class: "v-warnings", "aria-label": "Warnings" },
    texts.map((text) => element("li", { dir: "auto" }, text)),
  );
}

function facts(title: string, pairs: readonly Pair[], kind: string): HTMLElement {
  return element("section", { class: kind }, [
    element("p", { class: "v-small-title" }, title),
    element(
      "dl",
      { class: "v-facts" },
      pairs.flatMap(([name, text]) => [
        element("dt", {}, isolated(name)),
        element("dd", { dir: "auto" }, text),
      ]),
    ),
  ]);
}
