/** Which heads are locked onto the picture, and which one the pointer or the keyboard is on. */

import type { Head } from "./rows";

export class HeadSelection {
  private locked: Head[] = [];

  constructor(private readonly changed: (locked: readonly Head[]) => void) {}

  get now(): readonly Head[] {
    return this.locked;
  }

  isLocked(head: Head): boolean {
    return this.locked.some((each) => same(each, head));
  }

  /** A click: this head alone, or nothing where it was alone before; `more` adds it or takes it out. */
  click(head: Head, more: boolean): void {
    const had = this.isLocked(head);
    if (more) this.set(had ? this.locked.filter((each) => !same(each, head)) : [...this.locked, head]);
    else this.set(had && this.locked.length === 1 ? [] : [head]);
  }

  set(heads: readonly Head[]): void {
    this.locked = [...heads];
    this.changed(this.locked);
  }
}

function same(a: Head, b: Head): boolean {
  return a[0] === b[0] && a[1] === b[1];
}
