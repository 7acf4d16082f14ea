/** What is asked: a phrase, by which method, from which heads. */

import { element } from "../../ui/dom";
import { headsFrom, headsText } from "../heads_text";
import type { Session } from "../net/messages";
import type { Mode, Store } from "../state";

export interface Controls {
  whole: HTMLElement;
  phrase: HTMLInputElement;
}

export function controls(
  session: Session,
  store: Store,
  open: HTMLElement,
  refuse: (text: string) => void,
): Controls {
  const phrase = phraseBox(session, store);
  const fields = [labelled("Phrase", phrase, "a-phrase"), methodChoice(session, store)];
  if (session.model.kind === "decoder") fields.push(headsBox(session, store, refuse));
  const whole = element("form", { class: "a-controls", role: "search", "aria-label": "What to look for" }, [
    open,
    ...fields,
  ]);
  whole.addEventListener("submit", (event) => event.preventDefault());
  return { whole, phrase };
}

function phraseBox(session: Session, store: Store): HTMLInputElement {
  const box = element("input", {
    type: "text",
    maxlength: session.limits.phrase,
    placeholder: "the small red circle",
    "aria-keyshortcuts": "/",
    autocomplete: "off",
    spellcheck: "false",
    dir: "auto",
    "aria-label": "Phrase",
  });
  box.value = store.state.phrase;
  box.addEventListener("input", () =>
    store.set({ phrase: box.value, mode: awayFromFolder(store.state.mode) }),
  );
  store.heard((state, changed) => {
    if (changed.has("phrase") && box.value !== state.phrase) box.value = state.phrase;
  });
  return box;
}

/** A phrase or a picture is about the model, which is not seen among a folder's objects. */
export function awayFromFolder(mode: Mode): Mode {
  return mode === "folder" ? "look" : mode;
}

function methodChoice(session: Session, store: Store): HTMLElement {
  const options = session.methods.map(({ id, title }) => {
    return element("option", { value: id, title }, id);
  });
  const choice = element("select", { "aria-label": "Method" }, options);
  const show = (): void => {
    choice.value = store.state.method ?? session.method;
    choice.title = session.methods.find(({ id }) => id === choice.value)?.title ?? "";
  };
  choice.addEventListener("change", () => {
    store.set({ method: choice.value === session.method ? null : choice.value });
    show();
  });
  store.heard((_, changed) => changed.has("method") && show());
  show();
  return labelled("Method", choice, "a-method");
}

function headsBox(session: Session, store: Store, refuse: (text: string) => void): HTMLElement {
  const { layers, heads } = session.model;
  const shape: [number, number] | null = layers && heads ? [layers, heads] : null;
  const box = element("input", {
    type: "text",
    placeholder: headsText(session.heads) || "L2H3, L4H1",
    autocomplete: "off",
    spellcheck: "false",
    "aria-label": "Read from",
    title: session.heads_source
      ? `Empty: ${headsText(session.heads)}, ${session.heads_source}`
      : "Empty: the method's own choice",
  });
  box.value = headsText(store.state.heads);
  box.addEventListener("change", () => {
    const heads = headsFrom(box.value, shape);
    const wrong = typeof heads === "string";
    box.setAttribute("aria-invalid", String(wrong));
    if (wrong) refuse(heads);
    else store.set({ heads: heads.length ? heads : null });
  });
  store.heard((state, changed) => {
    if (changed.has("heads")) box.value = headsText(state.heads);
  });
  return element("div", { class: "a-heads-field" }, [
    labelled("Read from heads", box, "a-heads-text"),
    fromLocked(store),
  ]);
}

/** The heads that are kept on the picture become those that the phrase is read from. */
function fromLocked(store: Store): HTMLElement {
  const button = element(
    "button",
    {
      type: "button",
      class: "v-button",
      title: "Read the phrase from the heads that are kept on the picture",
    },
    "From locked",
  );
  const show = (): void => {
    button.disabled = store.state.locked.length === 0;
  };
  button.addEventListener("click", () => store.set({ heads: [...store.state.locked] }));
  store.heard((_, changed) => changed.has("locked") && show());
  show();
  return button;
}

/** The visible name stands above its field; the field's accessible name is its own. */
export function labelled(text: string, field: HTMLElement, kind: string): HTMLElement {
  return element("label", { class: `a-field ${kind}` }, [
    element("span", { "aria-hidden": true }, text),
    field,
  ]);
}
