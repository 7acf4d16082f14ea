/** The live widget of notebooks: anywidget calls `render` with a model that holds packed bytes. */

import { readPacked } from "./format/container";
import { mount, mountError, type Mounted } from "./mount";
import { followNotebook } from "./ui/notebook";

/** The part of anywidget's model that is used. */
export interface WidgetModel {
  get(name: "view"): DataView | Uint8Array | null | undefined;
  on(event: string, listener: () => void): void;
  off(event: string, listener: () => void): void;
}

/** Draw the model's bytes into `el`, again whenever they change; the result undoes it. */
export function render({ model, el }: { model: WidgetModel; el: HTMLElement }): () => void {
  let mounted: Mounted | null = null;
  const draw = () => {
    mounted?.remove();
    mounted = null;
    const bytes = model.get("view");
    if (!bytes || bytes.byteLength === 0) return;
    try {
      mounted = mount(el, readPacked(bytes));
    } catch (error) {
      mountError(el, error);
    }
  };
  const leave = followNotebook(document, el);
  model.on("change:view", draw);
  draw();
  return () => {
    leave();
    model.off("change:view", draw);
    mounted?.remove();
  };
}
