/** What every panel beside the picture is given, and how questions become views in it. */

import type { View } from "../../format/types";
import { element } from "../../ui/dom";
import type { Api } from "../net/api";
import { Live } from "../net/live";
import type { Session } from "../net/messages";
import type { Store } from "../state";
import { ViewPlace } from "../view_place";
import type { StatusLine } from "./status";

export interface Around {
  api: Api;
  session: Session;
  store: Store;
  status: StatusLine;
  /** Aborted when the page goes: what listens to the whole document ends with it. */
  gone: AbortSignal;
}

/**
 * A question of a panel: what is asked shows itself as busy, can be cancelled, and says its failures.
 *
 * @param name of the question, unique on the page.
 */
export function question<T>(around: Around, name: string, show: (value: T) => void): Live<T> {
  const { status } = around;
  const live: Live<T> = new Live<T>({
    show,
    fail: (error) => status.fail(error),
    busy: (asking) => status.busy(name, asking, () => live.cancel()),
  });
  return live;
}

/** A place whose views are the answers to a question. */
export function viewQuestion(
  around: Around,
  name: string,
  said: (view: View) => string,
): { place: ViewPlace; live: Live<View> } {
  const place = new ViewPlace(`a-${name}-view`);
  const live = question<View>(around, name, (view) => {
    place.show(view);
    around.status.say(said(view));
  });
  return { place, live };
}

/** A button that asks; the form around it takes Enter. */
export function askForm(fields: HTMLElement[], text: string, ask: () => void): HTMLFormElement {
  const form = element("form", { class: "a-ask" }, [
    ...fields,
    element("button", { type: "submit", class: "v-button a-go" }, text),
  ]);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  return form;
}

export function panel(title: string, text: string, children: HTMLElement[]): HTMLElement {
  const lead = text ? [element("p", { class: "v-caption" }, text)] : [];
  return element("section", { class: "a-panel", "aria-label": title }, [
    element("h3", {}, title),
    ...lead,
    ...children,
  ]);
}
