import { element } from "./dom";

export interface LargePicture {
  source: string;
  title: string;
  text: string;
}

/** Show one of some pictures as large as the window: arrows walk, Escape closes and gives focus back. */
export function enlarge(pictures: LargePicture[], start: number): HTMLDialogElement {
  const image = element("img", { alt: "" }, []);
  const words = element("p", { "aria-live": "polite", dir: "auto" }, []);
  const dialog = element("dialog", { class: "v-large", "aria-label": "Picture" }, [image, words]);
  const before = document.activeElement;
  let at = start;

  function show(step: number): void {
    at = (at + step + pictures.length) % pictures.length;
    const picture = pictures[at];
    if (!picture) return;
    image.src = picture.source;
    image.alt = picture.title || picture.text;
    const place = pictures.length > 1 ? [`${at + 1} / ${pictures.length}`] : [];
    words.textContent = [...place, picture.title, picture.text].filter(Boolean).join(" · ");
  }

  function close(): void {
    dialog.remove();
    if (before instanceof HTMLElement) before.focus();
  }

  dialog.append(...buttons(pictures.length, show, close));
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") show(-1);
    else if (event.key === "ArrowRight") show(1);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target === image) close();
  });
  show(0);
  document.body.append(dialog);
  open(dialog);
  return dialog;
}

function buttons(count: number, show: (step: number) => void, close: () => void): HTMLElement[] {
  const button = (text: string, label: string, act: () => void): HTMLElement => {
    const made = element("button", { type: "button", class: "v-button", "aria-label": label }, [text]);
    made.addEventListener("click", act);
    return made;
  };
  const walk =
    count > 1
      ? [button("←", "Picture before", () => show(-1)), button("→", "Next picture", () => show(1))]
      : [];
  return [element("div", { class: "v-large-buttons" }, [...walk, button("Close", "Close", close)])];
}

function open(dialog: HTMLDialogElement): void {
  // without showModal (old browsers, tests) the dialog is an open element with the focus in it
  if (typeof dialog.showModal === "function") dialog.showModal();
  else dialog.setAttribute("open", "");
  dialog.querySelector<HTMLElement>(".v-large-buttons button:last-child")?.focus();
}
