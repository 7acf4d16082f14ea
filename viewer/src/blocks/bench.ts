/** A scene and what is looked at on it stand side by side, so that a hover is seen where it acts. */

import { element } from "../ui/dom";

interface Placed {
  block: { type: string; id?: string; scene?: unknown };
  drawn: HTMLElement;
}

/** The drawn blocks in order; heads and words right after their scene share a bench with it. */
export function benches(placed: readonly Placed[]): HTMLElement[] {
  const out: HTMLElement[] = [];
  for (let i = 0; i < placed.length;) {
    const { block, drawn } = placed[i++]!;
    const tools: HTMLElement[] = [];
    while (block.type === "scene" && block.id !== undefined && placed[i]?.block.scene === block.id)
      tools.push(placed[i++]!.drawn);
    out.push(
      tools.length
        ? element("div", { class: "v-bench" }, [drawn, element("div", { class: "v-tools" }, tools)])
        : drawn,
    );
  }
  return out;
}
