/** One stop for the tab key in a group; arrows move within it. */

export interface Roving {
  /** Move the stop (and the focus where asked) to an item. */
  to(index: number, focus?: boolean): void;
  readonly index: number;
}

/**
 * @param container hears the keys.
 * @param items in reading order.
 * @param columns how many stand in a row; 1 row where it equals the number of items.
 */
export function roving(container: HTMLElement, items: readonly HTMLElement[], columns: number): Roving {
  let current = 0;
  items.forEach((item, index) => (item.tabIndex = index === 0 ? 0 : -1));
  const to = (index: number, focus = true) => {
    const item = items[index];
    if (!item) return;
    items[current]!.tabIndex = -1;
    item.tabIndex = 0;
    current = index;
    if (focus) item.focus();
  };
  container.addEventListener("keydown", (event) => {
    const target = targetOf(event, current, items.length, columns);
    if (target === null) return;
    event.preventDefault();
    to(target);
  });
  return {
    to,
    get index() {
      return current;
    },
  };
}

function targetOf(event: KeyboardEvent, current: number, count: number, columns: number): number | null {
  const rowStart = current - (current % columns);
  const rowEnd = Math.min(rowStart + columns, count) - 1;
  const far = event.ctrlKey || event.metaKey;
  switch (event.key) {
    case "ArrowRight":
      return columns === count ? Math.min(count - 1, current + 1) : Math.min(rowEnd, current + 1);
    case "ArrowLeft":
      return Math.max(rowStart, current - 1);
    case "ArrowDown":
      return current + columns < count
        ? current + columns
        : columns === count
          ? Math.min(count - 1, current + 1)
          : current;
    case "ArrowUp":
      return current - columns >= 0
        ? current - columns
        : columns === count
          ? Math.max(0, current - 1)
          : current;
    case "Home":
      return far ? 0 : rowStart;
    case "End":
      return far ? count - 1 : rowEnd;
    default:
      return null;
  }
}
