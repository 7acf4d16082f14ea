/** A scene as SVG: pixels as pictures inside, lines as lines, remarks as text. */

import type { Scene } from "../../format/types";
import { svg } from "../../ui/dom";
import { remarks } from "./honesty";
import type { LookState } from "./look";
import type { Stage } from "./stage";

/** A whole SVG file of lines drawn in the page, at a size in pixels. */
export function standalone(lines: SVGSVGElement, width: number, height: number): string {
  const copy = lines.cloneNode(true) as SVGSVGElement;
  copy.setAttribute("width", String(width));
  copy.setAttribute("height", String(height));
  return new XMLSerializer().serializeToString(copy);
}

export function svgOf(scene: Scene, stage: Stage, look: LookState): Blob {
  const [height, width] = stage.picture.size;
  const lines = stage.strokes.element.cloneNode(true) as SVGSVGElement;
  lines.setAttribute("width", String(width));
  lines.setAttribute("height", String(height));
  const layer = (canvas: HTMLCanvasElement) =>
    svg("image", { href: canvas.toDataURL("image/png"), width, height });
  const texts = [stage.shown.title, remarks(scene, stage.shown).join(" · ")];
  const whole = svg("svg", { viewBox: `0 0 ${width} ${height + 50}`, width, height: height + 50 }, [
    svg("rect", { width, height: height + 50, fill: "#ffffff" }),
    layer(stage.picture.canvas),
    look.heat ? layer(stage.heatAtFullSize()) : null,
    lines,
    ...texts.map((text, index) =>
      svg(
        "text",
        {
          x: 8,
          y: height + 20 + 18 * index,
          "font-size": 14 - index,
          "font-family": "sans-serif",
          fill: "#1b1f24",
        },
        text,
      ),
    ),
  ]);
  return new Blob([new XMLSerializer().serializeToString(whole)], { type: "image/svg+xml" });
}
