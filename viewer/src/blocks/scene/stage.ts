/** The picture itself: layers of pixels, lines over them, and which map is shown now. */

import type { Scene } from "../../format/types";
import { valuesOf } from "../../format/tensor";
import { element } from "../../ui/dom";
import { eachFrame } from "../../ui/frame";
import type { ShownMap } from "../context";
import { HeatLayer } from "./heat-layer";
import { Legend } from "./legend";
import type { Look } from "./look";
import { PictureLayer } from "./picture-layer";
import { Probe } from "./probe";
import { Strokes } from "./strokes";

const MIN_WIDTH = 240;

/** What the page hears when a place of a picture is clicked. */
export interface CellDetail {
  scene: string | undefined;
  /** Index among the cells of all views, or null where none covers the place. */
  cell: number | null;
  /** Original pixels. */
  x: number;
  y: number;
}

export class Stage {
  readonly element: HTMLElement;
  readonly picture: PictureLayer;
  readonly strokes: Strokes;
  private readonly frame: HTMLElement;
  private readonly heat: HeatLayer;
  private readonly legend: Legend;
  private readonly probe: Probe;
  private readonly own: ShownMap;
  private locked: ShownMap | null = null;
  private passing: ShownMap | null = null;
  private readonly draw = eachFrame(() => this.drawHeat());

  constructor(
    private readonly scene: Scene,
    private readonly look: Look,
    scale?: [number, number] | null,
  ) {
    this.own = { values: valuesOf(scene.map), title: scene.title, scale: scale ?? scene.scale };
    this.picture = new PictureLayer(scene);
    this.heat = new HeatLayer(scene, this.picture.size);
    this.strokes = new Strokes(scene);
    this.legend = new Legend(scene);
    this.frame = element(
      "div",
      { class: "v-frame", tabindex: 0, role: "group", "aria-label": "Image tokens" },
      [this.picture.canvas, this.heat.canvas, this.strokes.element],
    );
    this.frame.style.aspectRatio = `${scene.size[1]} / ${scene.size[0]}`;
    this.element = element("figure", { class: "v-stage" }, [this.frame, this.legend.element]);
    // a tall picture keeps its height on the screen, a wide one its width
    this.element.style.setProperty("--ratio", String(scene.size[1] / scene.size[0]));
    this.probe = new Probe(this.frame, scene, {
      at: (x, y) => this.at(x, y),
      shown: () => this.shown,
      choose: (detail) => this.tellCell(detail),
    });
    this.legend.element.append(this.probe.element);
    look.follow((state) => {
      this.picture.draw(state);
      this.strokes.show(state);
      this.draw();
    });
    this.picture.load().then(
      () => this.picture.draw(look.now),
      () => this.sayBroken(),
    );
    this.followWidth();
  }

  get shown(): ShownMap {
    return this.passing ?? this.locked ?? this.own;
  }

  preview(map: ShownMap | null): void {
    this.passing = map;
    this.draw();
  }

  lock(map: ShownMap | null): void {
    this.locked = map;
    this.draw();
  }

  /** (x, y) in original pixels, or null outside. */
  at(clientX: number, clientY: number): [number, number] | null {
    const { left, top, width, height } = this.frame.getBoundingClientRect();
    const x = ((clientX - left) / width) * this.scene.size[1];
    const y = ((clientY - top) / height) * this.scene.size[0];
    return x >= 0 && y >= 0 && x < this.scene.size[1] && y < this.scene.size[0] ? [x, y] : null;
  }

  /** The heat map that is shown, on a canvas of its own at the size of the picture. */
  heatAtFullSize(): HTMLCanvasElement {
    const layer = new HeatLayer(this.scene, this.picture.size);
    layer.draw(this.shown, this.look.now);
    return layer.canvas;
  }

  private drawHeat(): void {
    const map = this.shown;
    const scale = this.heat.draw(map, this.look.now);
    this.strokes.grey(map.greyed ?? null);
    this.legend.show(map, scale);
    this.probe.say();
  }

  /** No more pixels than the screen shows: a hover paints all of them. */
  private followWidth(): void {
    if (typeof ResizeObserver === "undefined") return;
    new ResizeObserver(([entry]) => {
      const wanted = Math.max(MIN_WIDTH, Math.ceil(entry!.contentRect.width * devicePixelRatio));
      const [height, width] = this.picture.size;
      const factor = Math.min(1, wanted / width);
      if (this.heat.resize([Math.round(height * factor), Math.round(width * factor)])) this.drawHeat();
    }).observe(this.frame);
  }

  private tellCell(detail: Omit<CellDetail, "scene">): void {
    this.frame.dispatchEvent(
      new CustomEvent<CellDetail>("vlmscope:cell", {
        bubbles: true,
        detail: { scene: this.scene.id, ...detail },
      }),
    );
  }

  private sayBroken(): void {
    this.frame.append(element("p", { class: "v-broken" }, "This picture could not be decoded."));
  }
}
