import { element } from "../ui/dom";

export interface FactsBlock {
  type: "facts";
  id?: string;
  pairs: [string, string][];
}

export function drawFacts(block: FactsBlock): HTMLElement {
  return element(
    "dl",
    { class: "facts" },
    block.pairs.flatMap(([name, text]) => [
      element("dt", {}, [name]),
      element("dd", { dir: "auto" }, [text]),
    ]),
  );
}
