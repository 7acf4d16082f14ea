import { element } from "../ui/dom";

export interface HeadingBlock {
  type: "heading";
  id?: string;
  level: 2 | 3;
  text: string;
}

export function drawHeading(block: HeadingBlock): HTMLElement {
  return element(block.level === 3 ? "h3" : "h2", {}, [block.text]);
}
