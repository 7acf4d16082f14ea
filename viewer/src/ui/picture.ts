import type { Picture } from "../format/types";

/** An address for a picture of a view; it ends with the view, so that its memory is given back. */
export function pictureUrl(picture: Picture, gone: AbortSignal): string {
  const url = URL.createObjectURL(new Blob([picture.bytes], { type: picture.mime }));
  gone.addEventListener("abort", () => URL.revokeObjectURL(url), { once: true });
  return url;
}
