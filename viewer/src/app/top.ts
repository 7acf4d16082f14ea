/** The line at the top: what is running, a link to this state, light or dark. */

import { element } from "../ui/dom";
import { copyButton } from "../ui/save";
import { themeToggle } from "../ui/theme";
import type { Session } from "./net/messages";

export function topLine(session: Session, target: HTMLElement): HTMLElement {
  const { model } = session;
  const shape = model.layers && model.heads ? `${model.layers} layers × ${model.heads} heads` : model.kind;
  const facts = [model.family, shape, model.dtype, model.device].join(" · ");
  return element("header", { class: "a-top" }, [
    element("h1", {}, "vlmscope"),
    element("p", { class: "a-model" }, [element("bdi", {}, model.id), element("span", {}, facts)]),
    copyButton("Copy link", () => location.href),
    themeToggle(target),
  ]);
}
