/** The picture before anything was asked about it, as large and in the same place as with a map. */

import { element, replaceAll } from "../../ui/dom";
import type { Api } from "../net/api";
import type { ImageInfo } from "../net/messages";

export interface PlainPicture {
  whole: HTMLElement;
  show(image: ImageInfo | null): void;
}

const EMPTY = "Drop a picture here, paste one, or open a file.";

export function plainPicture(api: Pick<Api, "image">, fail: (error: unknown) => void): PlainPicture {
  const frame = element("div", { class: "v-frame a-plain-frame" });
  const whole = element("figure", { class: "v-stage a-plain" }, frame);
  let url: string | null = null;
  let shown: string | null = null;

  async function load(image: ImageInfo): Promise<void> {
    try {
      const blob = await api.image(image.image);
      if (shown !== image.image) return;
      if (url) URL.revokeObjectURL(url);
      url = URL.createObjectURL(blob);
      replaceAll(frame, element("img", { src: url, alt: "The picture, nothing asked yet" }));
    } catch (error) {
      fail(error);
    }
  }

  function show(image: ImageInfo | null): void {
    if (shown === (image?.image ?? null) && frame.firstChild) return;
    shown = image?.image ?? null;
    whole.classList.toggle("a-empty", image === null);
    frame.style.aspectRatio = image ? `${image.width} / ${image.height}` : "4 / 3";
    whole.style.setProperty("--ratio", String(image ? image.width / image.height : 4 / 3));
    if (image) void load(image);
    else replaceAll(frame, element("p", {}, EMPTY));
  }

  show(null);
  return { whole, show };
}
