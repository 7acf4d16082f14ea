/** Scenes side by side, with one set of switches and, where it is given, one scale of colours. */

import type { CompareBlock } from "../../format/types";
import { element } from "../../ui/dom";
import { figure, isolated } from "../../ui/text";
import type { Context } from "../context";
import { newLook } from "../scene/look";
import { sceneCard } from "../scene/scene";
import { switches } from "../scene/switches";

export function drawCompare(block: CompareBlock, context: Context): HTMLElement {
  const look = newLook(context.memory);
  const cards = block.scenes.map((scene) => {
    const shared = block.scale ? { ...scene, scale_note: "one scale for all" } : scene;
    const card = sceneCard(shared, look, { brief: true, scale: block.scale, gone: context.gone });
    if (scene.id !== undefined) context.scenes.set(scene.id, card.handle);
    return card.element;
  });
  return element("section", { class: "v-compare", "aria-label": "Side by side" }, [
    element("div", { class: "v-scene-controls" }, switches(block.scenes, look)),
    element("p", { class: "v-caption" }, scaleSentence(block)),
    element("div", { class: "v-row" }, cards),
    block.note ? element("p", { class: "v-caption" }, isolated(block.note)) : null,
  ]);
}

function scaleSentence(block: CompareBlock): string {
  if (!block.scale)
    return "Each has a scale of its own: colours of one do not compare with colours of another.";
  return `One scale of colours for all, from ${figure(block.scale[0])} to ${figure(block.scale[1])}.`;
}
