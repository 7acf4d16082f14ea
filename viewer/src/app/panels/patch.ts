import { element, replaceAll } from "../../ui/dom";
import { headName, percent } from "../../ui/text";
import type { Patch } from "../net/messages";
import { panel, question, type Around } from "./panel";

export interface PatchPanel {
  whole: HTMLElement;
  /** Read the cell of this number. */
  read(cell: number): void;
  forget(): void;
}

/**
 * Who reads one patch, and what its hidden state says layer by layer.
 *
 * @param shown called with the box of the patch that was read.
 */
export function patchPanel(around: Around, shown: (patch: Patch) => void): PatchPanel {
  const { api, store, status } = around;
  const place = element("div", { class: "a-patch" }, hint());
  const live = question<Patch>(around, "patch", (patch) => {
    replaceAll(place, [readers(patch), lens(patch)]);
    shown(patch);
    const [first] = patch.heads;
    status.say(`Patch ${patch.cell}: read most by ${first ? headName(...first.head) : "no head"}.`);
  });
  const read = (cell: number): void => {
    const { image, phrase } = store.state;
    if (!image || !phrase.trim()) return status.fail(new Error("A picture and a phrase are needed here."));
    live.ask((signal) => api.patch({ image: image.image, phrase, cell }, { signal }));
  };
  const number = cellField(read);
  const text =
    "Click a patch of the picture, or walk to it with the arrow keys and press Enter: heads that read it for the phrase, and what its hidden state decodes to.";
  return {
    whole: panel("Patch", text, [number, place]),
    read(cell) {
      number.querySelector("input")!.value = String(cell);
      read(cell);
    },
    forget() {
      live.cancel();
      replaceAll(place, hint());
    },
  };
}

function hint(): HTMLElement {
  return element("p", { class: "v-caption" }, "No patch is read yet.");
}

/** For those who do not click: patches are numbered view after view, row by row. */
function cellField(read: (cell: number) => void): HTMLElement {
  const field = element("input", { type: "number", min: 0, step: 1, "aria-label": "Patch number" });
  const form = element("form", { class: "a-ask" }, [
    element("label", { class: "a-field" }, [element("span", { "aria-hidden": true }, "Patch number"), field]),
    element("button", { type: "submit", class: "v-button" }, "Read"),
  ]);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (field.value !== "") read(Number(field.value));
  });
  return form;
}

function readers(patch: Patch): HTMLElement {
  const most = patch.heads[0]?.weight || 1;
  const items = patch.heads
    .slice(0, 12)
    .map(({ head, weight }) =>
      element("li", {}, [
        element("span", { class: "a-head" }, headName(...head)),
        element("meter", { min: 0, max: most, value: weight, "aria-hidden": true }),
        element("span", { class: "a-number" }, percent(weight)),
      ]),
    );
  return element("div", {}, [
    element("h4", {}, "Heads that read it"),
    element("ol", { class: "a-readers" }, items),
  ]);
}

/** The last layers first: early ones decode to noise. */
function lens(patch: Patch): HTMLElement {
  const rows = [...patch.words].reverse().map(({ layer, tokens }) =>
    element("tr", {}, [
      element("th", { scope: "row" }, String(layer)),
      element(
        "td",
        {},
        tokens.slice(0, 5).map((token) => word(token.text, token.probability)),
      ),
    ]),
  );
  const table = element("table", { class: "a-lens" }, [
    element(
      "thead",
      {},
      element("tr", {}, [
        element("th", { scope: "col" }, "Layer"),
        element("th", { scope: "col" }, "Likeliest words"),
      ]),
    ),
    element("tbody", {}, rows),
  ]);
  return element("div", {}, [
    element("h4", {}, "What it decodes to"),
    element("div", { class: "v-scroll", tabindex: 0 }, table),
  ]);
}

function word(text: string, probability: number): HTMLElement {
  const spoken = text.trim() || "␣";
  return element("span", { class: "a-token", title: percent(probability) }, [
    element("bdi", {}, spoken),
    element("small", {}, percent(probability)),
  ]);
}
