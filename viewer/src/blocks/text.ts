import type { TextBlock } from "../format/types";
import { element } from "../ui/dom";

/** An empty line parts paragraphs. */
export function drawText(block: TextBlock): HTMLElement {
  const paragraphs = block.text.split(/\n\s*\n/).map((text) => element("p", { dir: "auto" }, [text]));
  const [only] = paragraphs;
  return paragraphs.length === 1 && only ? only : element("div", { class: "v-text" }, paragraphs);
}
