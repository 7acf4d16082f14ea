/** A scene: one picture, what a phrase lights up on it, and all that is to be said about it. */

import type { Scene, SceneBlock } from "../../format/types";
import { element } from "../../ui/dom";
import type { Context, SceneHandle } from "../context";
import { account } from "./account";
import { exportsOf } from "./exports";
import { newLook, type Look } from "./look";
import { Stage } from "./stage";
import { switches } from "./switches";

export function drawScene(block: SceneBlock, context: Context): HTMLElement {
  const look = newLook(context.memory);
  const card = sceneCard(block, look, { brief: false, gone: context.gone });
  card.append(element("div", { class: "v-scene-controls" }, switches([block], look)));
  if (block.id !== undefined) context.scenes.set(block.id, card.handle);
  return card.element;
}

export interface Card {
  readonly element: HTMLElement;
  readonly handle: SceneHandle;
  /** Put something between the picture and what is said about it. */
  append(controls: HTMLElement): void;
}

export interface CardOptions {
  brief: boolean;
  /** When the view leaves the page. */
  gone: AbortSignal;
  /** Low and high of the colours, where several scenes share them. */
  scale?: [number, number] | null;
}

/** A scene without its switches: a row of scenes has one set of them. */
export function sceneCard(scene: Scene, look: Look, options: CardOptions): Card {
  const stage = new Stage(scene, look, options.scale ?? null);
  options.gone.addEventListener("abort", () => stage.picture.close());
  const about = element("div", { class: "v-scene-about" }, [
    account(scene, exportsOf(scene, stage, look), options.brief),
  ]);
  const card = element("div", { class: options.brief ? "v-scene v-scene-brief" : "v-scene" }, [
    stage.element,
    about,
  ]);
  const handle: SceneHandle = {
    element: card,
    preview: (map) => stage.preview(map),
    lock: (map) => stage.lock(map),
    at: (x, y) => stage.at(x, y),
  };
  return { element: card, handle, append: (controls) => stage.element.after(controls) };
}
