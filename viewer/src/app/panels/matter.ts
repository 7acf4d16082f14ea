import { element } from "../../ui/dom";
import { faithPart } from "./faith";
import { knockoutPart } from "./knockout";
import type { Around } from "./panel";
import { questionBox } from "./question_box";
import { steerPart, type PictureTools } from "./steer";

export interface MatterPanel {
  whole: HTMLElement;
  forget(): void;
}

/** Three ways to try whether the model needs what its heads look at; each as far as the model allows. */
export function matterPanel(around: Around, tools: PictureTools): MatterPanel {
  const { features } = around.session;
  const parts = [
    ...(features.steer ? [steerPart(around, tools)] : []),
    ...(features.knockout ? [knockoutPart(around)] : []),
    ...(features.faithfulness ? [faithPart(around)] : []),
  ];
  const box = questionBox(around.session, around.store);
  return {
    whole: element("div", { class: "a-matter" }, [box, ...parts.map((part) => part.whole)]),
    forget: () => parts.forEach((part) => part.forget()),
  };
}
