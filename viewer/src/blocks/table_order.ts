/** The order of a table's rows by one of its columns. */

export type Direction = "ascending" | "descending";

const NUMBER = /^[^\d\-+.−]*([-+−]?(?:\d[\d,]*)?(?:\.\d+)?(?:e[-+]?\d+)?)/i;

/** The number that a cell begins with ("1,204", "−0.31 [−0.4, −0.2]", "12.5%"); NaN: none. */
export function leadingNumber(text: string): number {
  const match = NUMBER.exec(text.trim());
  const digits = match?.[1]?.replace(/,/g, "").replace("−", "-") ?? "";
  return /\d/.test(digits) ? Number(digits) : NaN;
}

/** Numbers by their value, words by their letters; cells without a value stay last either way. */
export function sorted(rows: string[][], column: number, direction: Direction): string[][] {
  const cells = rows.map((row) => row[column] ?? "");
  const compare = numeric(cells) ? byNumber : byLetters;
  const order = rows.map((_, index) => index);
  order.sort((a, b) => compare(cells[a] ?? "", cells[b] ?? "", direction === "ascending" ? 1 : -1));
  return order.map((index) => rows[index] ?? []);
}

function numeric(cells: string[]): boolean {
  const filled = cells.filter((text) => !isEmpty(text));
  // "3 heads" is a number, "L2H3" and "7b-hf" are names
  return filled.length > 0 && filled.every((text) => /^[^\p{L}]?\s*[-+−(]?[\d.]/u.test(text.trim()));
}

function byNumber(a: string, b: string, sign: number): number {
  const first = leadingNumber(a);
  const second = leadingNumber(b);
  if (Number.isNaN(first) || Number.isNaN(second))
    return Number(Number.isNaN(first)) - Number(Number.isNaN(second));
  return sign * (first - second);
}

function byLetters(a: string, b: string, sign: number): number {
  if (isEmpty(a) || isEmpty(b)) return Number(isEmpty(a)) - Number(isEmpty(b));
  return sign * a.localeCompare(b, undefined, { numeric: true });
}

function isEmpty(text: string): boolean {
  return ["", "-", "–", "—", "none", "nan", "n/a"].includes(text.trim().toLowerCase());
}
