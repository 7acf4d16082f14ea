/** How figures and texts of unknown direction are written. */

import { element } from "./dom";

/** A figure with three digits that count, or a dash. */
export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString("en-GB");
  if (size < 0.001) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}

/** A share as per cent, or a dash. */
export function percent(share: number): string {
  if (!Number.isFinite(share)) return "–";
  return `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)}%`;
}

/** "L2H3": how a head is named everywhere. */
export function headName(layer: number, head: number): string {
  return `L${layer}H${head}`;
}

/** The same inside a sentence that is one text, by the characters that isolate (FSI and PDI). */
export function isolate(text: string): string {
  return `\u2068${text}\u2069`;
}

/** Text of a user or a model: its direction is its own, and does not turn what stands around it. */
export function isolated(text: string, attributes: Record<string, string> = {}): HTMLElement {
  return element("bdi", attributes, text);
}
