/** What of a scene is shown: a row of switches. */

import type { Scene } from "../../format/types";
import { setToggle, slider, toggle } from "../../ui/controls";
import { element } from "../../ui/dom";
import { hidesSome } from "../../paint/hatch";
import type { Look, LookState } from "./look";

type Switch = { [K in keyof LookState]: LookState[K] extends boolean ? K : never }[keyof LookState];

/** Switches for what at least one of the scenes has. */
export function switches(scenes: readonly Scene[], look: Look): HTMLElement {
  const offered: [Switch, string, boolean][] = [
    ["heat", "Heat map", true],
    ["mask", "Mask", scenes.some((scene) => scene.mask)],
    ["box", "Box", scenes.some((scene) => scene.box)],
    ["further", "Further ones", scenes.some((scene) => scene.instances.length > (scene.box ? 1 : 0))],
    ["point", "Point", scenes.some((scene) => scene.point)],
    ["grid", "Token grid", true],
    ["hatch", "Unseen part hatched", scenes.some((scene) => hidesSome(scene.size, scene.seen))],
  ];
  const buttons = offered.filter(([, , there]) => there).map(([name, text]) => oneSwitch(name, text, look));
  return element("div", { class: "v-switches", role: "group", "aria-label": "What is shown" }, [
    ...buttons,
    sharpness(look),
    opacity(look),
  ]);
}

function oneSwitch(name: Switch, text: string, look: Look): HTMLButtonElement {
  const made = toggle(text, look.now[name], (on) => look.change({ [name]: on }));
  look.follow((state) => setToggle(made, state[name]));
  return made;
}

function sharpness(look: Look): HTMLButtonElement {
  return toggle(
    "Sharp cells",
    look.now.smoothing === "nearest",
    (on) => look.change({ smoothing: on ? "nearest" : "bilinear" }),
    "Each token as the rectangle that it stands for, instead of smoothly from centre to centre",
  );
}

function opacity(look: Look): HTMLElement {
  return slider({
    name: "Opacity",
    min: 0,
    max: 1,
    step: 0.05,
    value: look.now.alpha,
    say: (value) => `${Math.round(100 * value)}%`,
    change: (alpha) => look.change({ alpha }),
  }).element;
}
