/** The objects of a folder that pass a filter, loaded stretch by stretch, and which one is looked at. */

import type { Api } from "../net/api";
import type { Box, FolderQuery, FolderRow, Verdict } from "../net/messages";

export const STRETCH = 60;

export type Filter = Omit<FolderQuery, "offset" | "limit">;

export const EVERYTHING: Filter = { least_score: null, warning: null, decision: null };

export class Browser {
  rows: FolderRow[] = [];
  total = 0;
  at = 0;
  filter: Filter = EVERYTHING;

  constructor(private readonly api: Pick<Api, "folder" | "decide">) {}

  get row(): FolderRow | null {
    return this.rows[this.at] ?? null;
  }

  get hasMore(): boolean {
    return this.rows.length < this.total;
  }

  async filtered(filter: Filter, signal: AbortSignal): Promise<void> {
    const page = await this.api.folder({ ...filter, offset: 0, limit: STRETCH }, { signal });
    if (signal.aborted) return;
    Object.assign(this, { filter, rows: page.rows, total: page.total, at: 0 });
  }

  /** Rows of the next stretch; an object that was decided meanwhile may have left the filter, none comes twice. */
  async more(): Promise<void> {
    const page = await this.api.folder({ ...this.filter, offset: this.rows.length, limit: STRETCH });
    const known = new Set(this.rows.map(keyOf));
    this.rows.push(...page.rows.filter((row) => !known.has(keyOf(row))));
    this.total = page.rows.length ? Math.max(page.total, this.rows.length) : this.rows.length;
  }

  walk(step: number): void {
    this.at = Math.min(Math.max(0, this.at + step), Math.max(0, this.rows.length - 1));
  }

  /** Decide about the object that is looked at; the server's answer is what is shown. */
  async decide(verdict: Verdict | null, box: Box | null): Promise<void> {
    const row = this.row;
    if (!row) return;
    const answer = await this.api.decide(row, verdict, verdict === null ? null : box);
    row.decision = answer.decision;
    row.corrected = answer.corrected ?? null;
  }
}

export function keyOf(row: FolderRow): string {
  return JSON.stringify([row.id, row.phrase, row.instance]);
}
