/** Letters decide about the object that is looked at, as on the page of an audit. */

const KEYS: Record<string, string> = {
  a: "accept",
  r: "reject",
  u: "unsure",
  z: "clear",
  d: "save",
  l: "look",
  ArrowLeft: "back",
  ArrowRight: "next",
};

/** Keys work while `active`, and never where somebody types. */
export function onKeys(active: () => boolean, actions: Record<string, () => void>, gone: AbortSignal): void {
  const pressed = (event: KeyboardEvent): void => {
    if (!active() || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.target instanceof HTMLElement && event.target.matches("input, textarea, select")) return;
    const name = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    const act = name === undefined ? undefined : actions[name];
    if (!act) return;
    event.preventDefault();
    act();
  };
  document.addEventListener("keydown", pressed, { signal: gone });
}
