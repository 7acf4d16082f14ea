/** Many wishes, one drawing in the next frame. */

/** `draw` once before the next paint, however often the result is called. */
export function eachFrame(draw: () => void): () => void {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw();
    });
  };
}
