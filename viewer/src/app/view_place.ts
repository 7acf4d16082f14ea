/** A place on the page where one view after another is shown, without a gap between them. */

import type { Context, Memory } from "../blocks/context";
import type { View } from "../format/types";
import { mount, type Mounted } from "../mount";
import { element } from "../ui/dom";

export class ViewPlace {
  readonly whole: HTMLElement;
  /** Called after a view was drawn or taken away. */
  drawn: (() => void) | null = null;
  private readonly memory: Memory = {};
  private mounted: Mounted | null = null;

  constructor(kind: string) {
    this.whole = element("div", { class: `a-view ${kind}` });
  }

  get context(): Context | null {
    return this.mounted?.context ?? null;
  }

  /** The new view is drawn before the old one goes; a focus inside goes to the same place of the new one. */
  show(view: View): Context {
    const focus = focusedName(this.whole);
    const old = this.mounted;
    const target = element("div");
    const fresh = mount(target, view, { frame: false, memory: this.memory });
    carryPicture(this.whole, fresh.context.root);
    this.whole.replaceChildren(fresh.context.root);
    rearrange(this.whole);
    this.mounted = fresh;
    old?.remove();
    if (focus) focusNamed(this.whole, focus);
    this.drawn?.();
    return fresh.context;
  }

  clear(): void {
    this.mounted?.remove();
    this.mounted = null;
    this.whole.replaceChildren();
    this.drawn?.();
  }
}

/** The same picture is drawn at once: it is decoded anew, and until then the place would be empty. */
function carryPicture(before: HTMLElement, after: HTMLElement): void {
  const [old, fresh] = [before, after].map((place) =>
    place.querySelectorAll<HTMLCanvasElement>(".v-frame > canvas:first-child"),
  );
  if (old?.length !== 1 || fresh?.length !== 1 || !old[0] || !fresh[0]) return;
  if (old[0].width === fresh[0].width && old[0].height === fresh[0].height)
    fresh[0].getContext("2d")?.drawImage(old[0], 0, 0);
}

/**
 * Of a scene with tools beside it: what switches its layers goes with the picture, score and evidence stay
 * above the tools, and what is looked up more rarely goes beneath them.
 */
function rearrange(place: HTMLElement): void {
  const scene = place.querySelector(".v-scene:not(.v-scene-brief)");
  const controls = scene?.querySelector(".v-scene-controls");
  if (controls) scene?.querySelector(".v-stage")?.append(controls);
  const tools = place.querySelector(".v-tools");
  if (!scene || !tools) return;
  const rest = [".v-about-result", ".v-exports"].flatMap((kind) => scene.querySelector(kind) ?? []);
  tools.after(element("div", { class: "v-rest" }, rest));
}

/** Accessible name of what has the focus in an element, where it has one. */
function focusedName(place: HTMLElement): string | null {
  const active = document.activeElement;
  return active && place.contains(active) ? active.getAttribute("aria-label") : null;
}

function focusNamed(place: HTMLElement, name: string): void {
  const same = [...place.querySelectorAll<HTMLElement>("[aria-label]")].find(
    (each) => each.ariaLabel === name || each.getAttribute("aria-label") === name,
  );
  same?.focus();
}
