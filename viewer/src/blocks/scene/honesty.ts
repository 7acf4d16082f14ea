/** What has to be known about a picture, said on the picture. */

import type { Cells, Scene } from "../../format/types";
import type { ShownMap } from "../context";
import { percent } from "../../ui/text";

/** Short remarks, the most important first; none is left out because it is inconvenient. */
export function remarks(scene: Scene, map: ShownMap): string[] {
  const found = [map.scale === null ? "stretched to its own range" : scene.scale_note];
  if (scene.evidence === null) found.push("no evidence that these heads point");
  const seen = seenShare(scene);
  if (seen < 0.9995) found.push(`the model saw ${percent(seen)} of the picture`);
  found.push(gridText(scene.cells));
  const sinks = count(map.greyed);
  if (sinks) found.push(`${sinks} ${sinks === 1 ? "sink" : "sinks"} greyed, left out of the colours`);
  return found.filter(Boolean);
}

/** The part of the picture that the model saw, 0..1. */
function seenShare(scene: Scene): number {
  const [x0, y0, x1, y1] = scene.seen;
  return (Math.max(0, x1 - x0) * Math.max(0, y1 - y0)) / (scene.size[0] * scene.size[1]);
}

/** How fine the model's own grid is: no map is sharper than that. */
export function gridText(cells: Cells): string {
  const grids = cells.views.map((view) => `${view.y_edges.length - 1} × ${view.x_edges.length - 1}`);
  const [first = "0"] = grids;
  const rest = grids.length - 1;
  return rest === 0
    ? `${first} image tokens`
    : `${first} image tokens and ${rest} more ${rest === 1 ? "view" : "views"}`;
}

function count(flags: Uint8Array | null | undefined): number {
  return flags?.reduce((sum, flag) => sum + (flag ? 1 : 0), 0) ?? 0;
}
