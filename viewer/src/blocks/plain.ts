/** Blocks of plain pages: headings, texts, tables, plots, pictures, decisions. */

import type { Draw } from "./context";

/** By type, as blocks/registry.ts takes them. */
export const PLAIN: Record<string, Draw> = {};
