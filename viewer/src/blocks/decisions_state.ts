/** What was decided about the objects of an audit: one verdict each, taken back, kept, written out. */

export const VERDICTS = ["accept", "reject", "unsure"] as const;
export type Verdict = (typeof VERDICTS)[number];

export interface DecisionItem {
  id: string;
  phrase: string;
  instance: number;
  score: number | null;
  stratum: number;
  weight: number;
}

export interface Kept {
  read(): string | null;
  write(text: string): void;
}

export class DecisionState {
  at = 0;
  saved = true;
  readonly verdicts: (Verdict | null)[];
  private readonly history: [number, Verdict | null][] = [];

  constructor(
    private readonly items: DecisionItem[],
    private readonly kept: Kept,
  ) {
    this.verdicts = recalled(kept.read(), items.length);
    this.at = this.openAfter(0) ?? 0;
  }

  get item(): number {
    return this.at;
  }

  get canUndo(): boolean {
    return this.history.length > 0;
  }

  count(verdict: Verdict | null): number {
    return this.verdicts.filter((each) => each === verdict).length;
  }

  /** Decides about the object that is shown, and goes on to the next without a decision. */
  decide(verdict: Verdict): void {
    this.history.push([this.at, this.verdicts[this.at] ?? null]);
    this.set(this.at, verdict);
    this.at = this.openAfter(this.at + 1) ?? this.at;
  }

  undo(): void {
    const last = this.history.pop();
    if (!last) return;
    this.at = last[0];
    this.set(...last);
  }

  walk(step: number): void {
    this.at = Math.min(Math.max(this.at + step, 0), this.items.length - 1);
  }

  /** The decisions as a file that vlmscope stats reads; null: none was made. */
  file(head: Record<string, unknown>): string | null {
    const decisions = this.items.flatMap(({ id, phrase, instance, score, stratum, weight }, place) => {
      const decision = this.verdicts[place];
      return decision ? [{ id, phrase, instance, score, stratum, weight, decision }] : [];
    });
    return decisions.length ? `${JSON.stringify({ ...head, decisions }, null, 1)}\n` : null;
  }

  private set(place: number, verdict: Verdict | null): void {
    this.verdicts[place] = verdict;
    this.saved = false;
    this.kept.write(JSON.stringify(this.verdicts));
  }

  private openAfter(start: number): number | null {
    const order = this.items.map((_, step) => (start + step) % this.items.length);
    return order.find((place) => this.verdicts[place] === null) ?? null;
  }
}

/** A browser that keeps nothing for files throws: decisions then last as long as the page. */
export function localStore(key: string): Kept {
  return {
    read() {
      try {
        return localStorage.getItem(key);
      } catch {
        return null;
      }
    },
    write(text) {
      try {
        localStorage.setItem(key, text);
      } catch {
        return;
      }
    },
  };
}

function recalled(text: string | null, count: number): (Verdict | null)[] {
  const nothing = Array.from({ length: count }, () => null);
  if (text === null) return nothing;
  try {
    const values: unknown = JSON.parse(text);
    if (!Array.isArray(values) || values.length !== count) return nothing;
    return values.map((value: unknown) => VERDICTS.find((verdict) => verdict === value) ?? null);
  } catch {
    return nothing;
  }
}
