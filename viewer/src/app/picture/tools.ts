/** What panels do with the picture that is shown: let a box be dragged on it, mark a place. */

import type { Box } from "../net/messages";
import type { PictureTools } from "../panels/steer";
import { Overlay } from "./overlay";

export interface StageTools extends PictureTools {
  /** Mark a place until the next one. */
  mark(box: Box | null): void;
  /** Put the sheet over the picture again, after another one was drawn. */
  redraw(): void;
}

export interface ShownPicture {
  /** (height, width) in pixels; null: no picture is shown. */
  size(): readonly [number, number] | null;
  /** Box of the phrase that is shown, where it has one. */
  box(): Box | null;
}

export function pictureTools(stage: HTMLElement, picture: ShownPicture): StageTools {
  let overlay: Overlay | null = null;
  let drawn: ((box: Box) => void) | null = null;
  let marked: Box | null = null;

  function redraw(): void {
    overlay?.sheet.remove();
    const size = picture.size();
    const frame = [...stage.querySelectorAll(".v-frame")].find((each) => !each.closest("[hidden]"));
    if (!size || !frame || (!marked && !drawn)) return;
    overlay = new Overlay(size);
    overlay.show(marked ? [{ box: marked, dashed: true }] : []);
    overlay.dragging(drawn && taken);
    frame.append(overlay.sheet);
  }

  function taken(box: Box): void {
    marked = box;
    drawn?.(box);
  }

  return {
    redraw,
    mark(box) {
      marked = box;
      redraw();
    },
    dragBox(box, told) {
      marked = box;
      drawn = told;
      redraw();
    },
    phraseBox: () => picture.box(),
  };
}
