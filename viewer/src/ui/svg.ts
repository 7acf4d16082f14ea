/** SVG elements: attributes are presentation attributes, never style, so that the page's policy holds. */

const NAMESPACE = "http://www.w3.org/2000/svg";

export type SvgChild = SVGElement | string;

export function svg(
  tag: string,
  attributes: Record<string, string | number> = {},
  children: SvgChild[] = [],
): SVGElement {
  const node = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) {
    node.setAttribute(name, typeof value === "number" ? String(Number(value.toFixed(2))) : value);
  }
  node.append(...children);
  return node;
}
