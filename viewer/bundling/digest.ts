/** One digest of everything that the bundle is made from, so that a stale bundle is noticed. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";

/** Files beside `src/` that decide about the bundle's bytes; the last is read by Python as well. */
const OTHERS = [
  "package-lock.json",
  "vite.config.ts",
  "bundling/digest.ts",
  "../src/vlmscope/viz/colours.json",
];

/** SHA-256 in hex over name, zero, bytes, zero of every file, sorted by name. */
export function sourceDigest(root: string): string {
  const names = [...filesUnder(join(root, "src"), root), ...OTHERS].sort(byCodeUnit);
  const hash = createHash("sha256");
  for (const name of names) {
    hash
      .update(name)
      .update("\0")
      .update(readFileSync(join(root, name)))
      .update("\0");
  }
  return hash.digest("hex");
}

function filesUnder(folder: string, root: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesUnder(path, root) : [relative(root, path).split(sep).join("/")];
  });
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
