/** What of a scene is shown, and how; one look may hold for several scenes. */

import { Observed } from "../../ui/observed";
import type { Smoothing } from "../../paint/taps";

export interface LookState {
  heat: boolean;
  mask: boolean;
  box: boolean;
  further: boolean;
  point: boolean;
  grid: boolean;
  /** Whether what the model did not see is hatched. */
  hatch: boolean;
  alpha: number;
  smoothing: Smoothing;
}

export type Look = Observed<LookState>;

/** As results/drawing.py draws without being told otherwise, or as somebody chose before. */
export function newLook(memory: { look?: LookState } = {}): Look {
  const look = new Observed<LookState>(
    memory.look ?? {
      heat: true,
      mask: true,
      box: true,
      further: true,
      point: true,
      grid: false,
      hatch: true,
      alpha: 0.55,
      smoothing: "bilinear",
    },
  );
  look.follow((state) => (memory.look = state));
  return look;
}
