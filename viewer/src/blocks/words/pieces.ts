/** An answer as words and what stands between them. */

import type { Word } from "../../format/types";

export interface Piece {
  text: string;
  /** Index of the word, or null for what stands between words. */
  word: number | null;
}

/**
 * The whole text in order, each word where it stands.
 *
 * `start` and `end` of words count Unicode code points, as Python counts; JavaScript counts halves
 * of pairs, so the text is taken apart first.
 */
export function piecesOf(text: string, words: readonly Word[]): Piece[] {
  const points = Array.from(text);
  const pieces: Piece[] = [];
  let at = 0;
  words.forEach((word, index) => {
    if (word.start > at) pieces.push({ text: points.slice(at, word.start).join(""), word: null });
    const own = points.slice(Math.max(at, word.start), word.end).join("");
    pieces.push({ text: own || word.text, word: index });
    at = Math.max(at, word.end);
  });
  if (at < points.length) pieces.push({ text: points.slice(at).join(""), word: null });
  return pieces;
}
