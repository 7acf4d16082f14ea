import { element, svg } from "../../ui/dom";
import { figure } from "../../ui/text";
import type { FolderRow } from "../net/messages";
import type { FolderPictures } from "./pictures";

const SIDE = 240;
const MARKS: Record<string, string> = { accept: "✓ accepted", reject: "✕ rejected", unsure: "? unsure" };

export interface Thumbnails {
  whole: HTMLElement;
  /** Draw the list anew. */
  fill(rows: FolderRow[]): void;
  /** Say again what row `at` is, and that it is looked at. */
  mark(rows: FolderRow[], at: number): void;
}

/** Small pictures with score, warning and decision; one tab stop, the current one. */
export function thumbnails(pictures: FolderPictures, chosen: (at: number) => void): Thumbnails {
  const list = element("ol", { class: "a-thumbnails", "aria-label": "Objects" });
  let buttons: HTMLButtonElement[] = [];
  return {
    whole: list,
    fill(rows) {
      buttons = rows.map((row, at) => thumbnail(row, pictures, () => chosen(at)));
      list.replaceChildren(...buttons.map((button) => element("li", {}, button)));
    },
    mark(rows, at) {
      buttons.forEach((button, place) => {
        button.setAttribute("aria-current", String(place === at));
        button.tabIndex = place === at ? 0 : -1;
        const words = button.querySelector(".a-verdict");
        const row = rows[place];
        if (words && row) words.textContent = verdictText(row);
      });
      buttons[at]?.scrollIntoView?.({ block: "nearest" });
    },
  };
}

function thumbnail(row: FolderRow, pictures: FolderPictures, open: () => void): HTMLButtonElement {
  const image = element("img", { alt: "", loading: "lazy" });
  whenSeen(image, () => {
    pictures.url(row.id, SIDE).then(
      (url) => (image.src = url),
      () => (image.alt = "no picture"),
    );
  });
  const warned = row.warnings.length
    ? [element("span", { class: "a-warned", title: row.warnings.join(" ") }, "⚠ warning")]
    : [];
  return element("button", { type: "button", onclick: open, title: row.id }, [
    element("span", { class: "a-thumb" }, [image, boxOn(row)]),
    element("bdi", { class: "a-name" }, row.phrase),
    element("span", { class: "a-number" }, row.score === null ? "no score" : figure(row.score)),
    ...warned,
    element("span", { class: "a-verdict" }, verdictText(row)),
  ]);
}

/** Where the object is: both picture and box are fitted into the frame in the same way. */
function boxOn({ size, box, corrected }: FolderRow): SVGElement | null {
  if (!size) return null;
  const [x0, y0, x1, y1] = corrected ?? box;
  const place = { x: x0, y: y0, width: x1 - x0, height: y1 - y0, "vector-effect": "non-scaling-stroke" };
  return svg("svg", { viewBox: `0 0 ${size[1]} ${size[0]}`, class: "a-overlay", "aria-hidden": true }, [
    svg("rect", { ...place, class: "a-under" }),
    svg("rect", { ...place, class: "a-line" }),
  ]);
}

function verdictText(row: FolderRow): string {
  const verdict = row.decision ? (MARKS[row.decision] ?? row.decision) : "";
  return row.corrected ? `${verdict}, box corrected` : verdict;
}

/** A long list fetches only the pictures that are scrolled to. */
function whenSeen(node: HTMLElement, act: () => void): void {
  if (typeof IntersectionObserver === "undefined") return act();
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      act();
    },
    { rootMargin: "200px" },
  );
  observer.observe(node);
}
