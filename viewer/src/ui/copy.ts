import { element } from "./dom";

const SHOWN_MS = 1600;

/** A button that copies a text, and says so for a moment. */
export function copyButton(text: () => string, label = "Copy"): HTMLButtonElement {
  const button = element("button", { type: "button", class: "v-button v-copy", "aria-live": "polite" }, [label]);
  button.addEventListener("click", () => {
    void copy(text()).then((done) => {
      button.textContent = done ? "Copied" : "Select and copy by hand";
      setTimeout(() => (button.textContent = label), SHOWN_MS);
    });
  });
  return button;
}

/** False where the browser allows no clipboard: a page from a file, a sandboxed frame. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyOld(text);
  }
}

function copyOld(text: string): boolean {
  const field = element("textarea", { class: "v-hidden", "aria-hidden": "true" }, []);
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
