/** Light or dark: the system's choice until somebody makes another. */

import { element } from "./dom";

/** A button that turns the colours around `target` (in a page: of the whole page). */
export function themeToggle(target: HTMLElement): HTMLButtonElement {
  const painted = target.id === "vlmscope" ? document.documentElement : target;
  const button = element("button", { type: "button", class: "v-button v-theme" });
  const say = () => {
    const other = isDark(painted) ? "Light" : "Dark";
    button.textContent = other;
    button.setAttribute("aria-label", `${other} colours`);
  };
  button.addEventListener("click", () => {
    painted.style.colorScheme = isDark(painted) ? "light" : "dark";
    say();
  });
  say();
  return button;
}

function isDark(painted: HTMLElement): boolean {
  const own = painted.style.colorScheme;
  if (own) return own === "dark";
  return typeof matchMedia === "function" && matchMedia("(prefers-color-scheme: dark)").matches;
}
