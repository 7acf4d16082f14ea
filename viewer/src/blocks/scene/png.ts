/** A scene as PNG: the picture as it is shown, and beneath it what has to be known about it. */

import type { Scene } from "../../format/types";
import { element } from "../../ui/dom";
import { remarks } from "./honesty";
import type { LookState } from "./look";
import type { Stage } from "./stage";
import { standalone } from "./svg";

const FONT = "system-ui, sans-serif";

export async function pngOf(scene: Scene, stage: Stage, look: LookState): Promise<Blob> {
  const canvas = await composed(scene, stage, look);
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error("This browser makes no PNG of the picture."))),
      "image/png",
    );
  });
}

async function composed(scene: Scene, stage: Stage, look: LookState): Promise<HTMLCanvasElement> {
  const [height, width] = stage.picture.size;
  const lines = captionLines(scene, stage, width);
  const step = 20;
  const canvas = element("canvas", { width, height: height + step * lines.length + 14 });
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser gives no canvas to draw on.");
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(stage.picture.canvas, 0, 0);
  if (look.heat) context.drawImage(stage.heatAtFullSize(), 0, 0);
  context.drawImage(await drawable(standalone(stage.strokes.element, width, height)), 0, 0, width, height);
  context.fillStyle = "#1b1f24";
  lines.forEach((line, index) => {
    context.font = index === 0 ? `600 14px ${FONT}` : `13px ${FONT}`;
    context.fillText(line, 8, height + step * (index + 1) + 2);
  });
  return canvas;
}

/** Title and remarks in lines that fit; seven pixels hold a letter of this size on average. */
function captionLines(scene: Scene, stage: Stage, width: number): string[] {
  const lines = [stage.shown.title];
  for (const word of remarks(scene, stage.shown).join(" · ").split(" ")) {
    const last = lines.length > 1 ? `${lines.at(-1)!} ${word}` : null;
    if (last && last.length * 7 < width - 16) lines[lines.length - 1] = last;
    else lines.push(word);
  }
  return lines;
}

function drawable(source: string): Promise<HTMLImageElement> {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Error("The lines of this picture could not be drawn."));
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(source)}`;
  });
}
