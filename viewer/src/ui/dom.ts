/** Elements by tag, attributes and children; what comes from data is text, never markup. */

type Attribute = string | number | boolean | null | undefined | ((event: never) => void);
export type Attributes = Record<string, Attribute>;
export type Child = Node | string | number | null | undefined | false;

const SVG = "http://www.w3.org/2000/svg";

/**
 * An HTML element.
 *
 * Attributes: `class`, `for`, `aria-*` and the like as they are written; `true` sets an empty one,
 * `false`, `null` and `undefined` leave it out; `onclick` and the like take a function. There is no
 * `style`: the pages' policy forbids it, `el.style` does not.
 */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  children: Child | readonly Child[] = [],
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  setAll(node, attributes);
  append(node, children);
  return node;
}

/** An SVG element, by the same rules. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  children: Child | readonly Child[] = [],
): SVGElementTagNameMap[K] {
  const node = document.createElementNS(SVG, tag);
  setAll(node, attributes);
  append(node, children);
  return node;
}

/** Add children: nodes as they are, everything else as text. */
export function append(parent: Node, children: Child | readonly Child[]): void {
  const list = Array.isArray(children) ? (children as readonly Child[]) : [children as Child];
  for (const child of list) {
    if (child === null || child === undefined || child === false) continue;
    parent.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Put `children` in the place of all that `parent` holds. */
export function replaceAll(parent: Node, children: Child | readonly Child[]): void {
  parent.textContent = "";
  append(parent, children);
}

function setAll(node: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") {
      node.addEventListener(name.replace(/^on/, ""), value as EventListener);
    } else {
      if (name === "style" || name.startsWith("on")) throw new TypeError(`${name} is never set from text`);
      node.setAttribute(name, value === true ? "" : String(value));
    }
  }
}
