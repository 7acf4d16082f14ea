import type { HeadingBlock } from "../format/types";
import { element } from "../ui/dom";

export function drawHeading(block: HeadingBlock): HTMLElement {
  return element(block.level === 3 ? "h3" : "h2", {}, [block.text]);
}
