import type { CodeBlock } from "../format/types";
import { element } from "../ui/dom";
import { copyButton } from "../ui/save";

export function drawCode(block: CodeBlock): HTMLElement {
  // a long line scrolls, and what scrolls must be reachable without a mouse
  const text = element("pre", { tabindex: "0" }, [element("code", { dir: "ltr" }, [block.text])]);
  return element("div", { class: "v-code-block" }, [text, copyButton("Copy", () => block.text)]);
}
