/** Buttons that take a scene out of the page. */

import type { Scene } from "../../format/types";
import { button, folded } from "../../ui/controls";
import { element } from "../../ui/dom";
import { copyButton, saveFile } from "../../ui/save";
import { remarks } from "./honesty";
import type { Look } from "./look";
import { pngOf } from "./png";
import type { Stage } from "./stage";
import { svgOf } from "./svg";

/** Save as PNG, SVG, JSON; copy as Python and as command where the scene knows them. */
export function exportsOf(scene: Scene, stage: Stage, look: Look): HTMLElement {
  const name = scene.title || "scene";
  const save = (ending: string, make: () => Promise<Blob> | Blob) => async () =>
    saveFile(`${name}.${ending}`, await make());
  const codes: [string, string][] = [];
  if (scene.python) codes.push(["Copy as Python", scene.python]);
  if (scene.command) codes.push(["Copy as command", scene.command]);
  return element("div", { class: "v-exports" }, [
    element("div", { class: "v-buttons", role: "group", "aria-label": "Take it with you" }, [
      button(
        "PNG",
        save("png", () => pngOf(scene, stage, look.now)),
        "Save the picture as it is shown",
      ),
      button(
        "SVG",
        save("svg", () => svgOf(scene, stage, look.now)),
        "Save the picture with lines that can be edited",
      ),
      button(
        "JSON",
        save("json", () => jsonOf(scene, stage)),
        "Save the numbers",
      ),
      ...codes.map(([title, text]) => copyButton(title, () => text)),
    ]),
    codes.length
      ? folded(
          "Code",
          codes.map(([, text]) => element("pre", { class: "v-code", tabindex: 0 }, text)),
        )
      : null,
  ]);
}

/** The numbers of what is shown, with what has to be known about them. */
export function jsonOf(scene: Scene, stage: Stage): Blob {
  const map = stage.shown;
  const record = {
    title: scene.title,
    size: scene.size,
    shown: map.title,
    values: Array.from(map.values),
    cells: scene.cells,
    scale: map.scale,
    remarks: remarks(scene, map),
    seen: scene.seen,
    box: scene.box,
    point: scene.point,
    instances: scene.instances.map(({ box, point, score }) => ({ box, point, score })),
    score: scene.score,
    score_note: scene.score_note ?? null,
    chance: scene.chance,
    evidence: scene.evidence,
    warnings: scene.warnings,
    facts: Object.fromEntries(scene.facts),
  };
  return new Blob([JSON.stringify(record, null, 1)], { type: "application/json" });
}
