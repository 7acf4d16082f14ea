/** @vitest-environment node */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../src", import.meta.url));
const names = (readdirSync(root, { recursive: true }) as string[]).filter((name) => name.endsWith(".ts"));

it.each(names)("no text is read as markup or as code: %s", (name) => {
  const source = readFileSync(join(root, name), "utf8");
  expect(source).not.toMatch(
    /\b(innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|document\.write|eval\(|new Function)\b/,
  );
});
