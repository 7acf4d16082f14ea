import type { FactsBlock } from "../format/types";
import { element } from "../ui/dom";

export function drawFacts(block: FactsBlock): HTMLElement {
  return element(
    "dl",
    { class: "v-facts" },
    block.pairs.flatMap(([name, text]) => [
      element("dt", {}, [name]),
      element("dd", { dir: "auto" }, [text]),
    ]),
  );
}
