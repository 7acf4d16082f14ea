import { element, replaceAll } from "../../ui/dom";
import { figure } from "../../ui/text";
import type { Box, FolderRow } from "../net/messages";
import { Overlay } from "../picture/overlay";
import type { FolderPictures } from "./pictures";

const SIDE = 1024;

export interface ObjectView {
  whole: HTMLElement;
  show(row: FolderRow | null): void;
}

/** One object large, with its box; a box that is dragged takes its place. */
export function objectView(pictures: FolderPictures, corrected: (box: Box) => void): ObjectView {
  const picture = element("div", { class: "a-large" });
  const phrase = element("h3", { dir: "auto" });
  const facts = element("p", { class: "v-caption", dir: "auto" });
  const warnings = element("p", { class: "v-note", role: "note", dir: "auto" });
  let shown: FolderRow | null = null;

  async function load(row: FolderRow): Promise<void> {
    const image = element("img", { alt: `${row.phrase} in ${row.id}` });
    try {
      image.src = await pictures.url(row.id, SIDE);
      await image.decode?.();
    } catch (error) {
      if (shown === row)
        replaceAll(
          picture,
          element("p", { class: "v-caption" }, error instanceof Error ? error.message : "No picture."),
        );
      return;
    }
    if (shown !== row) return; // somebody has walked on meanwhile
    const size = row.size ?? [image.naturalHeight || 1, image.naturalWidth || 1];
    const overlay = new Overlay(size);
    overlay.show(boxesOf(row));
    overlay.dragging(corrected);
    const framed = element("div", { class: "a-framed" }, [image, overlay.sheet]);
    framed.style.setProperty("--ratio", String(size[1] / size[0]));
    replaceAll(picture, framed);
  }

  return {
    whole: element("div", { class: "a-object" }, [phrase, picture, facts, warnings]),
    show(row) {
      shown = row;
      picture.dataset["verdict"] = row?.decision ?? "";
      phrase.textContent = row ? `“${row.phrase}”` : "No object passes the filter.";
      facts.textContent = row ? factsOf(row) : "";
      warnings.hidden = !row?.warnings.length;
      warnings.textContent = row?.warnings.join(" ") ?? "";
      if (row) void load(row);
      else replaceAll(picture, []);
    },
  };
}

function boxesOf(row: FolderRow): { box: Box; dashed?: boolean }[] {
  return row.corrected ? [{ box: row.corrected, dashed: true }] : [{ box: row.box }];
}

function factsOf(row: FolderRow): string {
  const score = row.score === null ? "no score" : `score ${figure(row.score)}`;
  return [row.id, score, row.decision, row.corrected && "box corrected"].filter(Boolean).join(" · ");
}
