import { element } from "./dom";

const KEPT_MS = 10_000; // browsers may begin to read after the click has returned

/** Hand the user a file. */
export function download(blob: Blob, name: string): void {
  const link = element("a", { href: URL.createObjectURL(blob), download: name }, []);
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
}
