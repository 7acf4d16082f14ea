import { element } from "../ui/dom";

export interface NoteBlock {
  type: "note";
  id?: string;
  text: string;
}

/** A caveat: told apart by its line and its role, not by its colour alone. */
export function drawNote(block: NoteBlock): HTMLElement {
  return element("p", { class: "note", role: "note", dir: "auto" }, [block.text]);
}
