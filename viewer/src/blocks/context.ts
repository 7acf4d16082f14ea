/** What blocks of one view know of each other. */

import type { View } from "../format/types";
import type { LookState } from "./scene/look";

/** A scene as other blocks use it: they show their maps on it. */
export interface SceneHandle {
  readonly element: HTMLElement;
  /** Show a map for the moment (a hover), or go back to what was shown before. */
  preview(map: ShownMap | null): void;
  /** Show a map until further notice, or go back to the scene's own. */
  lock(map: ShownMap | null): void;
  /** (x, y) in original pixels of a place on the screen, or null outside the picture. */
  at(clientX: number, clientY: number): [number, number] | null;
}

/** Values over the cells of a scene and what they are. */
export interface ShownMap {
  /** (cells,), view after view. */
  values: Float32Array;
  /** Said on the picture, for example "L2H3". */
  title: string;
  /** Low and high of the colours; null stretches to the map's own range. */
  scale: [number, number] | null;
  /** Cells that are greyed and left out of the range. */
  greyed?: Uint8Array | null;
}

/** A grid of heads as the page uses it, for example to take up what an address says. */
export interface HeadsHandle {
  /** Put the mean of these heads on the picture; none goes back to the phrase's map. */
  lock(heads: readonly (readonly [number, number])[]): void;
  locked(): readonly (readonly [number, number])[];
}

/** What a reader chose about one view, for the next one in the same place. */
export interface Memory {
  look?: LookState;
  /** Id of the measure that heads are coloured by. */
  measure?: string;
}

export interface Context {
  readonly view: View;
  /** The element that everything of this view is drawn in; events bubble to it. */
  readonly root: HTMLElement;
  /** Scenes by id; they are looked up when they are needed, blocks may stand in any order. */
  readonly scenes: Map<string, SceneHandle>;
  /** Grids of heads by the id of their scene. */
  readonly heads: Map<string, HeadsHandle>;
  /** Kept by whoever shows one view after another; none where a view is shown alone. */
  readonly memory?: Memory | undefined;
  /** Aborted when the view leaves the page: listeners and addresses of pictures end with it. */
  readonly gone: AbortSignal;
}

export type Draw<B = never> = (block: B, context: Context) => HTMLElement;
