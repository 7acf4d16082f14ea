/** Texts on their way to the clipboard. */

import { element } from "./dom";

/** False where the browser allows neither way: then the text has to be selected by hand. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyOld(text);
  }
}

/** Pages from a file and frames in a notebook often have no clipboard, but know the old command. */
function copyOld(text: string): boolean {
  const field = element("textarea", { class: "v-hidden", "aria-hidden": "true" });
  field.value = text;
  document.body.append(field);
  field.select();
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    field.remove();
  }
}
