/** Blocks of plain pages: headings, texts, tables, plots, pictures, decisions. */

import { drawBars } from "./bars";
import { drawCode } from "./code";
import type { Draw } from "./context";
import { drawCurves } from "./curves";
import { drawDecisions } from "./decisions";
import { drawDots } from "./dots";
import { drawFacts } from "./facts";
import { drawHeadMap } from "./head_map";
import { drawHeading } from "./heading";
import { drawNote } from "./note";
import { drawPictures } from "./pictures";
import { drawTable } from "./table";
import { drawText } from "./text";

/** By type, as blocks/registry.ts takes them. */
export const PLAIN: Record<string, Draw> = {
  heading: drawHeading,
  text: drawText,
  note: drawNote,
  code: drawCode,
  facts: drawFacts,
  table: drawTable,
  pictures: drawPictures,
  curves: drawCurves,
  "head-map": drawHeadMap,
  bars: drawBars,
  dots: drawDots,
  decisions: drawDecisions,
};
