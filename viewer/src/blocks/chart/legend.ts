import { element } from "../../ui/dom";
import { svg } from "./svg";
import { dash, marker, seriesClass } from "./marks";

/** Names with the line and the marker that they are drawn with. */
export function legend(names: string[]): HTMLElement {
  return element(
    "ul",
    { class: "v-chart-legend", "aria-label": "Legend" },
    names.map((name, number) => {
      const key = svg("svg", { class: seriesClass(number), width: 34, height: 12, "aria-hidden": "true" }, [
        svg("path", { class: "line", d: "M1 6H33", "stroke-dasharray": dash(number) }),
        marker(number, 17, 6, 3.6),
      ]);
      const words = element("span", { dir: "auto" }, [name]);
      return element("li", {}, [key, words]);
    }),
  );
}
