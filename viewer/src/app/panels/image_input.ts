/** Pictures come in by choosing a file, by dropping it anywhere on the page, or by pasting. */

import { element } from "../../ui/dom";

export interface ImageInput {
  whole: HTMLElement;
}

/**
 * A file button.
 *
 * @param name accessible name of the input, such as "Image".
 * @param text on the button.
 */
export function imageInput(name: string, text: string, taken: (file: Blob) => void): ImageInput {
  const input = element("input", { type: "file", accept: "image/*", "aria-label": name, class: "a-file" });
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    if (file) taken(file);
    input.value = ""; // the same file again is a change, too
  });
  return {
    whole: element("label", { class: "v-button a-open" }, [
      input,
      element("span", { "aria-hidden": true }, text),
    ]),
  };
}

/** Listen for pictures that are dropped or pasted anywhere. */
export function listenForPictures(page: HTMLElement, taken: (file: Blob) => void, gone: AbortSignal): void {
  const over =
    (is: boolean) =>
    (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      page.classList.toggle("a-dropping", is);
    };
  document.addEventListener("dragover", over(true), { signal: gone });
  document.addEventListener("dragleave", over(false), { signal: gone });
  const dropped = (event: DragEvent): void => {
    over(false)(event);
    const file = pictureOf(event.dataTransfer);
    if (file) taken(file);
  };
  const pasted = (event: ClipboardEvent): void => {
    const file = pictureOf(event.clipboardData);
    if (!file) return; // text goes where the caret is
    event.preventDefault();
    taken(file);
  };
  document.addEventListener("drop", dropped, { signal: gone });
  document.addEventListener("paste", pasted, { signal: gone });
}

function hasFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

function pictureOf(data: DataTransfer | null): File | null {
  return [...(data?.files ?? [])].find((file) => file.type.startsWith("image/") || file.type === "") ?? null;
}
