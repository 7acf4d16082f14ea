/** The part of a picture that the model saw, on a raster of any size. */

import type { Box, Scene, Size } from "../../format/types";

/** xyxy in pixels of a raster that shows the whole picture. */
export function seenOn(scene: Scene, [height, width]: Size): Box {
  const [y, x] = [height / scene.size[0], width / scene.size[1]];
  const [x0, y0, x1, y1] = scene.seen;
  return [x0 * x, y0 * y, x1 * x, y1 * y];
}
