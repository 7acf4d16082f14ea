/** The three carriers of a view: packed bytes, an HTML page, a notebook's traitlet. */

import { resolveView } from "./resolve";
import { UnreadableView, VERSION, type View } from "./types";

const MAGIC = "VLMSVIEW";
const HEADER = 16; // magic, uint32 version, uint32 length of the JSON

/** Read `.view` bytes. */
export function readPacked(bytes: Uint8Array | ArrayBuffer | DataView): View {
  const view = windowOf(bytes);
  const magic = view.byteLength < HEADER ? "" : textOf(view, 0, 8);
  if (magic !== MAGIC)
    throw new UnreadableView("This is no packed view of vlmscope: its first bytes are others.");
  const version = view.getUint32(8, true);
  if (version !== VERSION) {
    throw new UnreadableView(
      `This view has version ${version} and this viewer reads version ${VERSION}; open it with the vlmscope that wrote it, or a newer one.`,
    );
  }
  const length = view.getUint32(12, true);
  if (HEADER + length > view.byteLength)
    throw new UnreadableView("This packed view ends before its document does; the file was cut off.");
  return resolveView(textOf(view, HEADER, length), blobFrom(view, HEADER + length));
}

/** Read the view that an HTML page carries, or null where the page has none. */
export function readPage(page: Document): View | null {
  const json = page.getElementById("vlmscope-document");
  if (!json) return null;
  const blob = page.getElementById("vlmscope-arrays")?.textContent ?? "";
  return resolveView(json.textContent ?? "", fromBase64(blob.trim()));
}

function windowOf(bytes: Uint8Array | ArrayBuffer | DataView): DataView {
  if (bytes instanceof DataView) return bytes;
  if (ArrayBuffer.isView(bytes)) return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return new DataView(bytes);
}

function textOf(view: DataView, start: number, length: number): string {
  return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + start, length));
}

/** The rest from `start` on, as a buffer whose offset 0 is aligned. */
function blobFrom(view: DataView, start: number): ArrayBuffer {
  return new Uint8Array(view.buffer, view.byteOffset + start, view.byteLength - start).slice().buffer;
}

function fromBase64(text: string): ArrayBuffer {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    throw new UnreadableView("The data of this page is not base64; it was cut off or changed.");
  }
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes.buffer;
}
