import type { PicturesBlock } from "../format/types";
import { element } from "../ui/dom";
import { enlarge } from "../ui/enlarge";
import { pictureUrl } from "../ui/picture";
import type { Context } from "./context";

/** Pictures in a row or a gallery; each enlarges, and arrows walk on from there. */
export function drawPictures(block: PicturesBlock, context: Context): HTMLElement {
  const shown = block.items.map((item) => ({
    source: pictureUrl(item.image, context.gone),
    title: item.title,
    text: item.text,
    width: item.width,
    height: item.height,
  }));
  const figures = shown.map((picture, place) => {
    const button = element(
      "button",
      { type: "button", class: "v-enlarge", "aria-label": `Enlarge ${name(picture, place)}` },
      [
        element("img", {
          src: picture.source,
          alt: name(picture, place),
          width: String(picture.width),
          height: String(picture.height),
          decoding: "async",
        }),
      ],
    );
    button.addEventListener("click", () => enlarge(shown, place));
    return element("figure", {}, [button, ...caption(picture)]);
  });
  return element("div", { class: block.layout === "gallery" ? "v-gallery" : "v-pictures-row" }, figures);
}

function name(picture: { title: string; text: string }, place: number): string {
  return picture.title || picture.text || `picture ${place + 1}`;
}

function caption(picture: { title: string; text: string }): HTMLElement[] {
  if (!picture.title && !picture.text) return [];
  const title = picture.title ? [element("b", { dir: "auto" }, [picture.title])] : [];
  return [
    element("figcaption", { class: "v-caption" }, [
      ...title,
      element("span", { dir: "auto" }, [picture.text]),
    ]),
  ];
}
