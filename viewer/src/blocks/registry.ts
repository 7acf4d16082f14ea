/** Which function draws which type of block. */

import { element } from "../ui/dom";
import { drawCompare } from "./compare/compare";
import type { Context, Draw } from "./context";
import { drawHeads } from "./heads/heads";
import { PLAIN } from "./plain";
import { drawScene } from "./scene/scene";
import { drawSegmentation } from "./segmentation/segmentation";
import { drawSteps } from "./steps/steps";
import { drawWords } from "./words/words";

const LIVE: Record<string, Draw> = {
  scene: drawScene,
  heads: drawHeads,
  words: drawWords,
  steps: drawSteps,
  compare: drawCompare,
  segmentation: drawSegmentation,
};

export const BLOCKS: ReadonlyMap<string, Draw> = new Map(Object.entries({ ...PLAIN, ...LIVE }));

/** A block drawn, or the sentence that says why it is not. */
export function drawBlock(block: { type: string; id?: string }, context: Context): HTMLElement {
  const draw = BLOCKS.get(block.type) as Draw<typeof block> | undefined;
  const drawn = draw
    ? attempted(draw, block, context)
    : sentence(`This block (${block.type}) needs a newer viewer.`);
  if (block.id !== undefined && !drawn.id) drawn.id = block.id;
  return drawn;
}

/** One block that is wrong does not take the page with it. */
function attempted<B extends { type: string }>(draw: Draw<B>, block: B, context: Context): HTMLElement {
  try {
    return draw(block, context);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return sentence(`This block (${block.type}) could not be drawn: ${reason}`);
  }
}

function sentence(text: string): HTMLElement {
  return element("p", { class: "v-note", role: "note" }, text);
}
