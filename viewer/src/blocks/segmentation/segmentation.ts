/** A picture cut into classes, with a legend that shows and hides them. */

import type { SegmentationBlock } from "../../format/types";
import { decodePicture } from "../../paint/picture";
import { slider } from "../../ui/controls";
import { element } from "../../ui/dom";
import { eachFrame } from "../../ui/frame";
import { saveFile } from "../../ui/save";
import { isolated } from "../../ui/text";
import { button } from "../../ui/controls";
import { classLegend } from "./legend";
import { classAt, fillClasses } from "./raster";

export function drawSegmentation(block: SegmentationBlock): HTMLElement {
  return new Segmentation(block).element;
}

class Segmentation {
  readonly element: HTMLElement;
  private readonly picture: HTMLCanvasElement;
  private readonly classes: HTMLCanvasElement;
  private readonly frame: HTMLElement;
  private readonly name = element("p", { class: "v-heads-line" }, "Point at the picture or at a class.");
  private readonly hidden = new Set<number>();
  private readonly legend;
  private only: number | null = null;
  private alpha = 0.55;
  private readonly draw = eachFrame(() => this.drawClasses());

  constructor(private readonly block: SegmentationBlock) {
    const [height, width] = block.size;
    this.picture = element("canvas", { class: "v-layer", width, height, "aria-hidden": "true" });
    this.classes = element("canvas", {
      class: "v-layer v-pixels",
      width,
      height,
      role: "img",
      "aria-label": "Classes by pixel",
    });
    this.frame = element("div", { class: "v-frame" }, [this.picture, this.classes]);
    this.frame.style.aspectRatio = `${width} / ${height}`;
    this.legend = classLegend(block, {
      over: (index) => this.over(index),
      toggle: (index, shown) => this.toggle(index, shown),
    });
    this.element = element("section", { class: "v-segmentation", "aria-label": "Classes" }, [
      this.stage(),
      this.side(),
    ]);
    this.listen();
    this.draw();
    void this.load();
  }

  private stage(): HTMLElement {
    const figureElement = element("figure", { class: "v-stage" }, [
      this.frame,
      element("figcaption", { class: "v-legend" }, this.name),
    ]);
    figureElement.style.setProperty("--ratio", String(this.block.size[1] / this.block.size[0]));
    return figureElement;
  }

  private side(): HTMLElement {
    const { warnings, facts } = this.block;
    return element("div", { class: "v-scene-about" }, [
      element("div", { class: "v-buttons" }, [
        slider({
          name: "Opacity",
          min: 0,
          max: 1,
          step: 0.05,
          value: this.alpha,
          say: (value) => `${Math.round(100 * value)}%`,
          change: (alpha) => this.fade(alpha),
        }).element,
        button("PNG", () => this.save(), "Save the picture as it is shown"),
      ]),
      this.legend.element,
      warnings.length
        ? element(
            "ul",
            { class: "v-warnings", "aria-label": "Warnings" },
            warnings.map((text) => element("li", { dir: "auto" }, text)),
          )
        : null,
      facts.length
        ? element(
            "dl",
            { class: "v-facts" },
            facts.flatMap(([name, text]) => [
              element("dt", {}, isolated(name)),
              element("dd", { dir: "auto" }, text),
            ]),
          )
        : null,
    ]);
  }

  private listen(): void {
    this.frame.addEventListener("pointermove", (event) => {
      const { left, top, width, height } = this.frame.getBoundingClientRect();
      const [rows, columns] = this.block.size;
      const x = ((event.clientX - left) / width) * columns;
      const y = ((event.clientY - top) / height) * rows;
      this.over(classAt(this.block, this.block.size, x, y));
    });
    this.frame.addEventListener("pointerleave", () => this.over(null));
  }

  private over(index: number | null): void {
    if (index === this.only) return;
    this.only = index;
    this.legend.mark(index);
    this.name.textContent = "";
    this.name.append(
      index === null ? "Point at the picture or at a class." : isolated(this.block.names[index]!),
    );
    this.draw();
  }

  private toggle(index: number, shown: boolean): void {
    if (shown) this.hidden.delete(index);
    else this.hidden.add(index);
    this.draw();
  }

  private fade(alpha: number): void {
    this.alpha = alpha;
    this.draw();
  }

  private drawClasses(): void {
    const context = this.classes.getContext("2d");
    if (!context) return;
    const pixels = context.createImageData(this.classes.width, this.classes.height);
    const look = { hidden: this.hidden, only: this.only, alpha: this.alpha };
    fillClasses(this.block, look, new Uint32Array(pixels.data.buffer));
    context.putImageData(pixels, 0, 0);
  }

  private async load(): Promise<void> {
    try {
      const bitmap = await decodePicture(this.block.image);
      this.picture.getContext("2d")?.drawImage(bitmap, 0, 0, this.picture.width, this.picture.height);
    } catch {
      this.frame.append(element("p", { class: "v-broken" }, "This picture could not be decoded."));
    }
  }

  private save(): void {
    const canvas = element("canvas", { width: this.picture.width, height: this.picture.height });
    const context = canvas.getContext("2d");
    context?.drawImage(this.picture, 0, 0);
    context?.drawImage(this.classes, 0, 0);
    canvas.toBlob((blob) => blob && saveFile("segmentation.png", blob), "image/png");
  }
}
