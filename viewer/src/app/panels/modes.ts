/** The kinds of question as buttons; which of them a model can be asked is the session's word. */

import { element } from "../../ui/dom";
import type { Session } from "../net/messages";
import { MODES, type Mode, type Store } from "../state";

export function modes(session: Session, store: Store): HTMLElement {
  const shown = MODES.filter(({ id }) => isOffered(id, session));
  const buttons = shown.map(({ id, title }) =>
    element("button", { type: "button", class: "a-mode", onclick: () => store.set({ mode: id }) }, title),
  );
  // what is below has headings of the third level; this is the one above them
  const title = element("h2", { class: "v-hidden" });
  const show = (): void => {
    buttons.forEach((button, at) =>
      button.setAttribute("aria-pressed", String(shown[at]?.id === store.state.mode)),
    );
    title.textContent = MODES.find(({ id }) => id === store.state.mode)?.title ?? "";
  };
  store.heard((_, changed) => changed.has("mode") && show());
  show();
  return element("div", {}, [
    element("div", { class: "a-modes", role: "group", "aria-label": "View" }, buttons),
    title,
  ]);
}

export function isOffered(mode: Mode, session: Session): boolean {
  const { features } = session;
  if (mode === "ask") return features.answer;
  if (mode === "matter") return features.knockout || features.faithfulness || features.steer;
  if (mode === "patch") return features.lens;
  if (mode === "compare") return session.methods.length > 0;
  return mode !== "folder" || session.folder !== null;
}
