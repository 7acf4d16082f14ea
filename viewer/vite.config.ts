import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import { sourceDigest } from "./bundling/digest.ts";

const root = fileURLToPath(new URL(".", import.meta.url));

/** A note of Vite's to itself at the end of a style sheet. */
const VITE_MARK = /\/\*\$vite\$:\d+\*\/\s*$/;

/** Says in both files where they come from: minifiers drop comments, so it is added after them. */
function origin(): Plugin {
  const header = () =>
    "/*! vlmscope viewer. Built from viewer/ by `npm run build`; do not edit.\n" +
    `SPDX-License-Identifier: Apache-2.0\nsources sha256: ${sourceDigest(root)} */\n`;
  return {
    name: "origin",
    enforce: "post",
    generateBundle(_, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type === "chunk") file.code = header() + file.code.trimEnd() + "\n";
        else file.source = header() + asText(file.source).replace(VITE_MARK, "").trimEnd() + "\n";
      }
    },
  };
}

function asText(source: string | Uint8Array): string {
  return typeof source === "string" ? source : new TextDecoder().decode(source);
}

export default defineConfig({
  root,
  plugins: [origin()],
  build: {
    lib: {
      entry: "src/main.ts",
      formats: ["es"],
      fileName: () => "viewer.js",
      cssFileName: "viewer",
    },
    outDir: "../src/vlmscope/viewer/bundle",
    emptyOutDir: true,
    // light-dark() and nesting are older than these
    target: "es2022",
    cssTarget: ["chrome123", "firefox128", "safari17.5"],
    // a library build keeps white space by default, and this one is inlined in every page
    rolldownOptions: { output: { minify: { compress: true, mangle: true, codegen: true } } },
    reportCompressedSize: false,
  },
});
