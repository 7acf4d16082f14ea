/** Everything on the page in its place: what is asked above, the picture at the left, its readings at the right. */

import type { HeadsDetail } from "../blocks/heads/heads";
import type { CellDetail } from "../blocks/scene/stage";
import { element, replaceAll } from "../ui/dom";
import { FolderPanel } from "./folder/panel";
import { sent } from "./images";
import type { ImageInfo } from "./net/messages";
import { askPanel } from "./panels/ask";
import { comparePanel } from "./panels/compare";
import { awayFromFolder, controls } from "./panels/controls";
import { imageInput, listenForPictures } from "./panels/image_input";
import { howToStart } from "./panels/how_to_start";
import { lookPanel } from "./panels/look";
import { matterPanel } from "./panels/matter";
import { modes } from "./panels/modes";
import type { Around } from "./panels/panel";
import { patchPanel } from "./panels/patch";
import { plainPicture } from "./panels/plain_picture";
import { pictureTools } from "./picture/tools";
import type { Mode } from "./state";
import { topLine } from "./top";

export function page(target: HTMLElement, around: Around): void {
  const { api, session, store, status } = around;
  const open = (file: Blob): void => {
    sent(file, api, session.limits).then(
      (image) => {
        store.set({ image, mode: awayFromFolder(store.state.mode) });
        status.say(["Picture opened.", ...(image.notes ?? [])].join(" "));
      },
      (error: unknown) => status.fail(error),
    );
  };
  const plain = plainPicture(api, (error) => status.fail(error));
  const stage = element("div", { class: "a-stage" });
  const look = lookPanel(around, () => arrange());
  const start = howToStart(session);
  const tools = pictureTools(stage, {
    size: () => look.scene()?.size ?? sizeOf(store.state.image),
    box: () => look.scene()?.box ?? null,
  });
  const ask = askPanel(around);
  const matter = matterPanel(around, tools);
  const patch = patchPanel(around, (read) => tools.mark(read.box));
  const compare = comparePanel(around, (file) => sent(file, api, session.limits));
  const folder = session.folder ? new FolderPanel(around, (file) => sent(file, api, session.limits)) : null;

  function arrange(): void {
    const { mode } = store.state;
    const onStage: Mode[] = ["look", "ask", "matter", "patch"];
    const answered = mode === "ask" && ask.place.context !== null;
    target.dataset["mode"] = stage.dataset["mode"] = mode;
    stage.hidden = !onStage.includes(mode);
    ask.place.whole.hidden = !answered;
    look.place.whole.hidden = answered;
    plain.whole.hidden = answered || look.scene() !== null;
    start.hidden = mode !== "look" || look.scene() !== null;
    const shown: [HTMLElement, Mode][] = [
      [ask.whole, "ask"],
      [matter.whole, "matter"],
      [patch.whole, "patch"],
      [compare.whole, "compare"],
    ];
    for (const [panel, own] of shown) panel.hidden = mode !== own;
    if (folder) folder.whole.hidden = mode !== "folder";
    if (mode === "folder") folder?.open();
    stage.style.setProperty("--ratio", String(ratioOf(look.scene()?.size ?? sizeOf(store.state.image))));
    tools.redraw();
  }

  ask.place.drawn = arrange;
  const controlLine = controls(session, store, imageInput("Image", "Open picture", open).whole, (text) =>
    status.fail(new Error(text)),
  );
  replaceAll(stage, [
    plain.whole,
    start,
    look.place.whole,
    ask.whole,
    ask.place.whole,
    matter.whole,
    patch.whole,
  ]);
  replaceAll(target, [
    topLine(session, target),
    controlLine.whole,
    status.whole,
    modes(session, store),
    stage,
    compare.whole,
    folder?.whole,
  ]);
  stage.addEventListener("vlmscope:cell", (event) => {
    const { cell } = (event as CustomEvent<CellDetail>).detail;
    if (store.state.mode === "patch" && cell !== null) patch.read(cell);
  });
  stage.addEventListener("vlmscope:heads", (event) => {
    const { locked } = (event as CustomEvent<HeadsDetail>).detail;
    store.set({ locked: locked.map(([layer, head]) => [layer, head]) });
  });
  store.heard((state, changed) => {
    if (changed.has("image")) {
      plain.show(state.image);
      for (const panel of [ask, matter, patch, compare]) panel.forget();
    }
    if (changed.has("mode") && state.mode !== "matter") tools.mark(null);
    if (changed.has("image") || changed.has("mode")) arrange();
  });
  listenForPictures(target, open, around.gone);
  onSlash(() => controlLine.phrase.focus(), around.gone);
  arrange();
}

/** "/" goes to the phrase, as on many pages that search. */
function onSlash(act: () => void, gone: AbortSignal): void {
  const pressed = (event: KeyboardEvent): void => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof HTMLElement && event.target.matches("input, textarea, select")) return;
    event.preventDefault();
    act();
  };
  document.addEventListener("keydown", pressed, { signal: gone });
}

function sizeOf(image: ImageInfo | null): [number, number] | null {
  return image && [image.height, image.width];
}

/** Width over height: the picture's column is as wide as the picture can be. */
function ratioOf(size: readonly [number, number] | null): number {
  return size ? size[1] / size[0] : 4 / 3;
}
