import type { NoteBlock } from "../format/types";
import { element } from "../ui/dom";

/** A caveat: told apart by its line and its role, not by its colour alone. */
export function drawNote(block: NoteBlock): HTMLElement {
  return element("p", { class: "v-note", role: "note", dir: "auto" }, [block.text]);
}
