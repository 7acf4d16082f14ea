/** SVG elements of charts: places have two decimals, which is finer than any screen. */

import { svg as plain, type Attributes, type Child } from "../../ui/dom";

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  children: Child | readonly Child[] = [],
): SVGElementTagNameMap[K] {
  const rounded = Object.entries(attributes).map(([name, value]) => [
    name,
    typeof value === "number" ? Number(value.toFixed(2)) : value,
  ]);
  return plain(tag, Object.fromEntries(rounded) as Attributes, children);
}
