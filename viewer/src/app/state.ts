/** What the page is about, as its address says it too. */

import type { Head, ImageInfo } from "./net/messages";

export type Mode = "look" | "ask" | "matter" | "compare" | "patch" | "folder";

export const MODES: readonly { id: Mode; title: string }[] = [
  { id: "look", title: "Look" },
  { id: "ask", title: "Ask" },
  { id: "matter", title: "Does it matter" },
  { id: "compare", title: "Side by side" },
  { id: "patch", title: "Patch" },
  { id: "folder", title: "Folder" },
];

export interface State {
  image: ImageInfo | null;
  /** A second picture for side by side. */
  other: ImageInfo | null;
  phrase: string;
  question: string;
  /** Null: the server's own choice. */
  method: string | null;
  heads: Head[] | null;
  locked: Head[];
  mode: Mode;
}

export const EMPTY: State = {
  image: null,
  other: null,
  phrase: "",
  question: "",
  method: null,
  heads: null,
  locked: [],
  mode: "look",
};

type Listener = (state: State, changed: ReadonlySet<keyof State>) => void;

/** The one state of a page; panels hear of changes and read it, none keeps a copy. */
export class Store {
  private readonly listeners: Listener[] = [];
  private current: State;

  constructor(start: Partial<State> = {}) {
    this.current = { ...EMPTY, ...start };
  }

  get state(): State {
    return this.current;
  }

  set(values: Partial<State>): void {
    const names = (Object.keys(values) as (keyof State)[]).filter(
      (name) => !same(values[name], this.current[name]),
    );
    if (names.length === 0) return;
    this.current = { ...this.current, ...values };
    const changed = new Set(names);
    for (const listener of this.listeners) listener(this.current, changed);
  }

  heard(listener: Listener): void {
    this.listeners.push(listener);
  }
}

function same(a: unknown, b: unknown): boolean {
  return Object.is(a, b) || JSON.stringify(a) === JSON.stringify(b);
}
