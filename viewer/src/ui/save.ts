/** What leaves the page: files and the clipboard. */

import { button } from "./controls";
import { element } from "./dom";

/** Offer bytes as a file. */
export function saveFile(name: string, content: Blob): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = safeName(name);
  link.click();
  // the browser reads the address after this turn
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** A button that copies a text, asked for at the click, and says so. */
export function copyButton(name: string, text: () => string): HTMLButtonElement {
  const made = button(name, () => {
    void copyText(text()).then((copied) => {
      made.textContent = copied ? "Copied" : "Copy by hand";
      setTimeout(() => (made.textContent = name), 1600);
    });
  });
  return made;
}

async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text); // a frame of a notebook may not ask for the clipboard
  }
}

/** The old way, which needs a click and nothing else. */
function copyBySelection(text: string): boolean {
  const area = element("textarea", { class: "v-hidden", readonly: true, "aria-hidden": "true" });
  area.value = text;
  const before = document.activeElement;
  document.body.append(area);
  area.select();
  const copied = typeof document.execCommand === "function" && document.execCommand("copy");
  area.remove();
  if (before instanceof HTMLElement) before.focus();
  return copied;
}

/** A name for a file from any text: letters, digits, dashes. */
export function safeName(text: string): string {
  const [, stem = "", ending = ""] = /^(.*?)(\.[a-z]+)?$/su.exec(text) ?? [];
  const kept = stem
    .normalize("NFKC")
    .replace(/[^\p{L}\p{N}_-]+/gu, "-")
    .replace(/^-+|-+$/g, "");
  return (kept.slice(0, 60) || "vlmscope") + ending;
}
