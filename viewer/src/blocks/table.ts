import type { TableBlock } from "../format/types";
import { element } from "../ui/dom";
import { sorted, type Direction } from "./table_order";

interface Order {
  column: number;
  direction: Direction;
}

/** A table that a click on a column sorts; the third click gives its own order back. */
export function drawTable(block: TableBlock): HTMLElement {
  const body = element("tbody", {}, []);
  const heads = block.columns.map((name, column) => head(name, isWords(block, column)));
  let order: Order | null = null;

  function show(): void {
    const rows = order ? sorted(block.rows, order.column, order.direction) : block.rows;
    body.replaceChildren(...rows.map((cells) => row(block, cells)));
    heads.forEach(({ cell }, column) => {
      cell.setAttribute("aria-sort", order?.column === column ? order.direction : "none");
    });
  }

  heads.forEach(({ button }, column) => {
    button.addEventListener("click", () => {
      order = next(
        order,
        column,
        isWords(block, column) ? ["ascending", "descending"] : ["descending", "ascending"],
      );
      show();
    });
  });
  show();
  const top = element("thead", {}, [
    element(
      "tr",
      {},
      heads.map(({ cell }) => cell),
    ),
  ]);
  const label = block.columns.filter(Boolean).join(", ");
  // a wide table scrolls inside its own frame, by keys too
  const frame = element(
    "div",
    { class: "v-scroll", tabindex: "0", role: "region", "aria-label": `Table: ${label}` },
    [element("table", {}, [top, body])],
  );
  return element("div", { class: "v-table" }, [frame, ...note(block)]);
}

function head(name: string, words: boolean): { cell: HTMLElement; button: HTMLButtonElement } {
  const button = element("button", { type: "button", class: "v-sort" }, [name || "\u00a0"]);
  if (!name) button.setAttribute("aria-label", "Sort by the first column");
  const cell = element("th", { scope: "col", class: words ? "words" : "number" }, [button]);
  return { cell, button };
}

function row(block: TableBlock, cells: string[]): HTMLElement {
  return element(
    "tr",
    {},
    cells.map((text, column) =>
      element("td", { class: isWords(block, column) ? wordsKind(text) : "number", dir: "auto" }, [text]),
    ),
  );
}

/** Short names such as "image->query" are not broken at their hyphens. */
function wordsKind(text: string): string {
  return text.length <= 24 && !/\s/.test(text) ? "words whole" : "words";
}

function isWords(block: TableBlock, column: number): boolean {
  return block.words?.[column] ?? false;
}

/** Numbers begin with the largest, words with A. */
function next(order: Order | null, column: number, [first, second]: [Direction, Direction]): Order | null {
  if (order?.column !== column) return { column, direction: first };
  return order.direction === first ? { column, direction: second } : null;
}

function note(block: TableBlock): HTMLElement[] {
  return block.note ? [element("p", { class: "v-caption", dir: "auto" }, [block.note])] : [];
}
