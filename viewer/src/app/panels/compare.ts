/** Side by side: one phrase by several methods, or in two pictures. */

import type { CompareBlock, Scene, View } from "../../format/types";
import { element } from "../../ui/dom";
import { isolate } from "../../ui/text";
import type { ImageInfo } from "../net/messages";
import { imageInput } from "./image_input";
import { questionOf, sceneOf } from "./look";
import { askForm, panel, viewQuestion, type Around } from "./panel";

export interface ComparePanel {
  whole: HTMLElement;
  forget(): void;
}

/** @param opened takes a file in as a picture. */
export function comparePanel(around: Around, opened: (file: Blob) => Promise<ImageInfo>): ComparePanel {
  const { api, session, store, status } = around;
  const { place, live } = viewQuestion(around, "compare", (view) => `Compared: ${isolate(view.title)}.`);
  const methods = methodBoxes(session.methods, session.method);

  const byMethods = (): void => {
    const { image, phrase } = store.state;
    if (!image || !phrase.trim()) return status.fail(new Error("A picture and a phrase are needed here."));
    const chosen = methods.chosen();
    if (chosen.length < 2) return status.fail(new Error("Choose two methods or more."));
    live.ask((signal) => api.compare({ image: image.image, phrase, methods: chosen }, { signal }));
  };

  const byPictures = (): void => {
    const { image, other } = store.state;
    const first = questionOf(store.state, false);
    if (!image || !first || !other)
      return status.fail(new Error("Two pictures and a phrase are needed here."));
    live.ask(async (signal) => {
      // one after the other: a newer question of the same kind takes the place of one that waits
      const here = await api.ground(first, { signal });
      const there = await api.ground({ ...first, image: other.image }, { signal });
      return beside(here, there);
    });
  };

  const second = imageInput("Second picture", "Open second picture", (file) => {
    opened(file).then(
      (image) => {
        store.set({ other: image });
        byPictures();
      },
      (error: unknown) => status.fail(error),
    );
  });
  return {
    whole: element("div", { class: "a-compare" }, [
      panel("Methods", "The same phrase in the same picture, by several methods.", [
        askForm([methods.whole], "Compare methods", byMethods),
      ]),
      panel("Two pictures", "The same phrase in another picture, on one colour scale.", [
        askForm([second.whole], "Compare pictures", byPictures),
      ]),
      place.whole,
    ]),
    forget() {
      live.cancel();
      place.clear();
    },
  };
}

/** Two scenes of one method share their units, so that they can share their colours. */
export function beside(here: View, there: View): View {
  const scenes = [sceneOf(here), sceneOf(there)].filter((scene): scene is Scene => scene !== null);
  const scales = scenes.map((scene) => scene.scale);
  const scale: [number, number] = [
    Math.min(...scales.map(([low]) => low)),
    Math.max(...scales.map(([, high]) => high)),
  ];
  const titles = ["first picture", "second picture"];
  const block: CompareBlock = {
    type: "compare",
    scenes: scenes.map((scene, at) => ({
      ...scene,
      id: `picture-${at}`,
      title: `${scene.title}, ${titles[at]}`,
      scale,
      scale_note: "shared",
    })),
    scale,
    note: "One colour scale for both pictures.",
  };
  return { ...here, lead: "in two pictures", blocks: [block] };
}

function methodBoxes(
  methods: { id: string; title: string }[],
  first: string,
): { whole: HTMLElement; chosen(): string[] } {
  const boxes = methods.map(({ id, title }, at) => {
    const box = element("input", { type: "checkbox", value: id });
    box.checked = id === first || at < 3;
    return { box, label: element("label", { title }, [box, ` ${id}`]) };
  });
  return {
    whole: element("fieldset", { class: "a-methods" }, [
      element("legend", {}, "Methods"),
      ...boxes.map(({ label }) => label),
    ]),
    chosen: () => boxes.filter(({ box }) => box.checked).map(({ box }) => box.value),
  };
}
