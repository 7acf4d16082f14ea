/** Heads as people write them: "L2H3, L4H1". */

import type { Head } from "./net/messages";

const HEAD = /^l?(\d+)[h.:](\d+)$/i;

export function headsText(heads: readonly Head[] | null): string {
  return (heads ?? []).map(([layer, head]) => `L${layer}H${head}`).join(", ");
}

/**
 * Heads from text, separated by commas or spaces; "" means none are named.
 *
 * @param shape (layers, heads) of the model, where it is known.
 * @returns the heads, or a sentence that says which part is none.
 */
export function headsFrom(text: string, shape: [number, number] | null = null): Head[] | string {
  const parts = text.split(/[\s,;]+/).filter(Boolean);
  const heads: Head[] = [];
  for (const part of parts) {
    const match = HEAD.exec(part);
    if (!match) return `Heads are written L2H3, L4H1; “${part.slice(0, 40)}” is none.`;
    const head: Head = [Number(match[1]), Number(match[2])];
    if (shape && (head[0] >= shape[0] || head[1] >= shape[1])) {
      return `${part} is not in this model: it has layers 0 to ${shape[0] - 1} and heads 0 to ${shape[1] - 1}.`;
    }
    if (!heads.some((each) => each[0] === head[0] && each[1] === head[1])) heads.push(head);
  }
  return heads;
}
