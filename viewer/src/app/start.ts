/** The live page of `vlmscope app`. */

import { element, replaceAll } from "../ui/dom";
import { fragmentOf, linked } from "./fragment";
import { held } from "./images";
import { Api } from "./net/api";
import { sentence } from "./net/failure";
import type { Session } from "./net/messages";
import { takeToken } from "./net/token";
import { StatusLine } from "./panels/status";
import { isOffered } from "./panels/modes";
import { page } from "./page";
import { Store, type Mode, type State } from "./state";

const SETTLED_MS = 250; // browsers refuse addresses that change with every key

/**
 * Draw the page into `target` and keep it alive.
 *
 * @param base address of the interface, relative to the page.
 * @param gone aborted when the page goes.
 */
export async function startApp(
  target: HTMLElement,
  base: string,
  gone: AbortSignal = new AbortController().signal,
): Promise<void> {
  target.classList.add("vlmscope", "a-app");
  const api = new Api(base, takeToken());
  let session: Session;
  try {
    session = await api.session();
  } catch (error) {
    replaceAll(target, element("p", { class: "v-note", role: "alert" }, sentence(error)));
    return;
  }
  document.title = `${session.model.id} · vlmscope`;
  const store = new Store();
  const status = new StatusLine(api);
  page(target, { api, session, store, status, gone });
  await follow(api, session, store, status);
  window.addEventListener("hashchange", () => void follow(api, session, store, status), { signal: gone });
  keepAddress(store);
}

/** Bring the page to what its address says. */
async function follow(api: Api, session: Session, store: Store, status: StatusLine): Promise<void> {
  const { image, other, state } = linked(location.hash);
  // who serves a folder and names no picture wants to see the folder
  const first: Mode = session.folder && location.hash.length < 2 ? "folder" : "look";
  const mode = state.mode && state.mode !== "look" && isOffered(state.mode, session) ? state.mode : first;
  try {
    const [here, there] = await Promise.all([image, other].map((name) => (name ? held(name, api) : null)));
    store.set({ ...state, mode, image: here ?? store.state.image, other: there ?? null });
  } catch (error) {
    store.set({ ...state, mode });
    status.fail(error);
  }
}

function keepAddress(store: Store): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  store.heard((state) => {
    clearTimeout(timer);
    timer = setTimeout(() => history.replaceState(null, "", addressOf(state)), SETTLED_MS);
  });
}

function addressOf(state: State): string {
  const fragment = fragmentOf(state);
  return location.pathname + location.search + (fragment && `#${fragment}`);
}
