/** Pictures on their way to the server: what is too large is said before it travels. */

import type { Api } from "./net/api";
import { RequestFailed } from "./net/failure";
import type { ImageInfo, Session } from "./net/messages";

export async function sent(file: Blob, api: Api, limits: Session["limits"]): Promise<ImageInfo> {
  if (file.size > limits.bytes) {
    throw new RequestFailed(
      "too-large",
      `This file has ${megabytes(file.size)} MB and at most ${megabytes(limits.bytes)} are taken. Open a smaller one.`,
    );
  }
  return api.addImage(file);
}

/** A picture that a link names, where the server still holds it. */
export async function held(name: string, api: Api): Promise<ImageInfo> {
  const blob = await api.image(name);
  const { width, height } = await sizeOf(blob);
  return { image: name, width, height };
}

/** Only proportions are needed: the shown picture may be smaller than the original. */
async function sizeOf(blob: Blob): Promise<{ width: number; height: number }> {
  if (typeof createImageBitmap !== "function") return { width: 4, height: 3 };
  const bitmap = await createImageBitmap(blob);
  const size = { width: bitmap.width, height: bitmap.height };
  bitmap.close();
  return size;
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
