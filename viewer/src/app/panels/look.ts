/** The live map: whatever is typed is looked for, and only the newest answer is drawn. */

import type { Context } from "../../blocks/context";
import type { HeadsBlock, Scene, View } from "../../format/types";
import { figure, isolate } from "../../ui/text";
import type { GroundQuestion, Head } from "../net/messages";
import type { State } from "../state";
import { ViewPlace } from "../view_place";
import { question, type Around } from "./panel";

/** Keys that are held down, and letters that are typed together, come faster than that. */
const PAUSE_MS = 25;

const ASKED_BY: (keyof State)[] = ["image", "phrase", "method", "heads"];

export interface LookPanel {
  place: ViewPlace;
  /** The scene that is shown, where one is. */
  scene(): Scene | null;
  /** Ask about what the state says now. */
  update(delay: number): void;
}

/** @param drawn called after a view was drawn or taken away. */
export function lookPanel(around: Around, drawn: () => void): LookPanel {
  const { api, session, store, status } = around;
  const place = new ViewPlace("a-ground-view");
  let shown: Scene | null = null;

  const live = question<View>(around, "ground", (view) => {
    const context = place.show(view);
    place.whole.classList.remove("a-stale");
    shown = sceneOf(view);
    lockAgain(context, store.state.locked);
    if (shown) status.say(summary(shown));
    drawn();
  });

  function clear(): void {
    live.cancel();
    place.clear();
    shown = null;
    drawn();
  }

  function update(delay: number): void {
    const asked = questionOf(store.state, session.model.kind === "decoder");
    if (!asked) return clear();
    place.whole.classList.add("a-stale");
    live.ask((signal) => api.ground(asked, { signal }), delay);
  }

  store.heard((_, changed) => {
    if (!ASKED_BY.some((name) => changed.has(name))) return;
    if (changed.has("image")) clear(); // a map of another picture is no map of this one
    update(changed.has("phrase") && !changed.has("image") ? PAUSE_MS : 0);
  });
  return { place, scene: () => shown, update };
}

/** Heads that were locked for one phrase stay locked for the next. */
function lockAgain(context: Context, locked: readonly Head[]): void {
  if (!locked.length) return;
  const [layers = 0, heads = 0] = headsOf(context.view);
  const known = locked.filter(([layer, head]) => layer < layers && head < heads);
  for (const grid of context.heads.values()) grid.lock(known);
}

/** (layers, heads) of a view's grid. */
function headsOf(view: View): number[] {
  const block = view.blocks.find((each) => each.type === "heads") as HeadsBlock | undefined;
  return block ? [block.layers, block.heads] : [];
}

export function questionOf(state: State, allHeads: boolean): GroundQuestion | null {
  const { image, phrase, method, heads } = state;
  if (!image || !phrase.trim()) return null;
  return {
    image: image.image,
    phrase,
    all_heads: allHeads,
    ...(method ? { method } : {}),
    ...(heads ? { heads } : {}),
  };
}

export function sceneOf(view: View): Scene | null {
  return (view.blocks.find((block) => block.type === "scene") as Scene | undefined) ?? null;
}

function summary(scene: Scene): string {
  const score =
    scene.score === null
      ? ""
      : ` Score ${figure(scene.score)}${scene.chance ? `, chance ${figure(scene.chance.value)}` : ""}.`;
  const warnings = scene.warnings.length
    ? ` ${scene.warnings.length === 1 ? "One warning" : `${scene.warnings.length} warnings`}.`
    : "";
  return `“${isolate(scene.title)}”: ${scene.box ? "a box was found." : "nothing lights up."}${score}${warnings}`;
}
