/** Beneath the picture: which map is shown, on which scale, and what has to be known about it. */

import type { Scene } from "../../format/types";
import type { ShownMap } from "../context";
import { gradientOf } from "../../paint/colours";
import { element, replaceAll } from "../../ui/dom";
import { figure, isolated } from "../../ui/text";
import { remarks } from "./honesty";

export class Legend {
  readonly element = element("figcaption", { class: "v-legend" });
  private readonly title = element("div", { class: "v-legend-title" });
  private readonly low = element("span");
  private readonly high = element("span");
  private readonly remarks = element("ul", {
    class: "v-remarks",
    "aria-label": "To know about this picture",
  });

  constructor(private readonly scene: Scene) {
    const bar = element("span", { class: "v-legend-bar", "aria-hidden": "true" });
    bar.style.background = gradientOf("inferno");
    const scale = element("div", { class: "v-legend-scale" }, [this.low, bar, this.high]);
    this.element.append(this.title, scale, this.remarks);
  }

  show(map: ShownMap, [low, high]: readonly [number, number]): void {
    replaceAll(this.title, isolated(map.title));
    this.low.textContent = low === high ? "flat" : figure(low);
    this.high.textContent = low === high ? "nothing stands out" : figure(high);
    const texts = remarks(this.scene, map);
    if (texts.join() === Array.from(this.remarks.children, (item) => item.textContent).join()) return;
    replaceAll(
      this.remarks,
      texts.map((text) => element("li", {}, text)),
    );
  }
}
