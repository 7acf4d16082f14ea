/** A place on the page where one view after another is shown, without a gap between them. */

import type { Context } from "../blocks/context";
import type { View } from "../format/types";
import { mount, type Mounted } from "../mount";
import { element } from "../ui/dom";

export class ViewPlace {
  readonly whole: HTMLElement;
  /** Called after a view was drawn or taken away. */
  drawn: (() => void) | null = null;
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
    const fresh = mount(target, view, { frame: false });
    this.whole.replaceChildren(fresh.context.root);
    switchesUnderPicture(this.whole);
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

/** The picture stands in a column of its own here, and what switches its layers goes with it. */
function switchesUnderPicture(place: HTMLElement): void {
  for (const scene of place.querySelectorAll(".v-scene:not(.v-scene-brief)")) {
    const controls = scene.querySelector(".v-scene-controls");
    if (controls) scene.querySelector(".v-stage")?.append(controls);
  }
}

/** Accessible name of what has the focus in an element, where it has one. */
function focusedName(place: HTMLElement): string | null {
  const active = document.activeElement;
  return active && place.contains(active) ? active.getAttribute("aria-label") : null;
}

function focusNamed(place: HTMLElement, name: string): void {
  const same = [...place.querySelectorAll<HTMLElement>("[aria-label]")].find((each) => each.ariaLabel === name || each.getAttribute("aria-label") === name);
  same?.focus();
}
