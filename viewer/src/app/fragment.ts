/** The page's state in its address: `#image=ID&phrase=red+circle&heads=L2H3,L4H1`. */

import { headsFrom, headsText } from "./heads_text";
import type { Head } from "./net/messages";
import { MODES, type Mode, type State } from "./state";

/** What an address says; the picture is only named, the server has to know it still. */
export interface Linked {
  image: string | null;
  other: string | null;
  state: Partial<State>;
}

export function fragmentOf(state: State): string {
  const words = new URLSearchParams();
  const add = (name: string, value: string | null | undefined): void => {
    if (value) words.set(name, value);
  };
  add("mode", state.mode === "look" ? null : state.mode);
  add("image", state.image?.image);
  add("other", state.other?.image);
  add("phrase", state.phrase);
  add("question", state.question);
  add("method", state.method);
  add("heads", headsText(state.heads).replaceAll(" ", ""));
  add("locked", headsText(state.locked).replaceAll(" ", ""));
  return words.toString().replaceAll("%2C", ","); // heads stay readable
}

export function linked(fragment: string): Linked {
  const words = new URLSearchParams(fragment.replace(/^#/, ""));
  const heads = headsOf(words.get("heads"));
  const state: Partial<State> = {
    phrase: words.get("phrase") ?? "",
    question: words.get("question") ?? "",
    method: words.get("method"),
    heads: heads.length ? heads : null,
    locked: headsOf(words.get("locked")),
    mode: modeOf(words.get("mode")),
  };
  return { image: words.get("image"), other: words.get("other"), state };
}

/** A link that somebody damaged loses what cannot be read, not the rest. */
function headsOf(text: string | null): Head[] {
  const heads = headsFrom(text ?? "");
  return typeof heads === "string" ? [] : heads;
}

function modeOf(text: string | null): Mode {
  return MODES.find((mode) => mode.id === text)?.id ?? "look";
}
