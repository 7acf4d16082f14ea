/** The bundle: mounts the view that a page carries, and is a module for pages and notebooks. */

import "./style/index.css";
import { startApp } from "./app/start";
import { readPacked, readPage } from "./format/container";
import type { View } from "./format/types";
import { mount, mountError, type Mounted } from "./mount";
import { render } from "./widget";

export { mount, mountError, readPacked };
export type { Mounted, View };
export default { render };

/** Draw the view that this page carries, or the live page where an app serves it. */
function start(): void {
  const target = document.getElementById("vlmscope");
  const served = document.querySelector<HTMLMetaElement>('meta[name="vlmscope-app"]');
  if (target && served) return void startApp(target, served.content);
  if (!target || !document.getElementById("vlmscope-document")) return;
  try {
    const view = readPage(document);
    if (view) mount(target, view);
  } catch (error) {
    mountError(target, error);
  }
}

if (typeof document !== "undefined") start();
