/** Two texts word by word: what of the second is not in the first. */

export interface Part {
  text: string;
  changed: boolean;
}

/** The words of `text` in order; those that the longest common run of words with `clean` leaves out are changed. */
export function changes(clean: string, text: string): Part[] {
  const a = clean.match(/\S+/gu) ?? [];
  const b = text.match(/\s*\S+|\s+$/gu) ?? [];
  const kept = commonIndices(
    a,
    b.map((word) => word.trim()),
  );
  return b.map((word, index) => ({ text: word, changed: word.trim() !== "" && !kept.has(index) }));
}

/** Which of `b` belong to a longest common subsequence with `a`. */
function commonIndices(a: readonly string[], b: readonly string[]): Set<number> {
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i * width + j] =
        a[i] === b[j]
          ? 1 + lengths[(i + 1) * width + j + 1]!
          : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!);
    }
  }
  const kept = new Set<number>();
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] === b[j]) {
      kept.add(j);
      i++;
      j++;
    } else if (lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!) i++;
    else j++;
  }
  return kept;
}
