const CHOICES = {
  attributes: true,
  attributeFilter: ["data-jp-theme-light", "data-vscode-theme-kind", "theme"],
};

/** Keep an element in the colours of the notebook around it, also when they change; the result ends it. */
export function followNotebook(page: Document, element: HTMLElement): () => void {
  const follow = () => {
    const scheme = notebookScheme(page);
    if (scheme) element.style.colorScheme = scheme;
  };
  const observer = new MutationObserver(follow);
  for (const each of [page.documentElement, page.body]) observer.observe(each, CHOICES);
  follow();
  return () => observer.disconnect();
}

/** Whether the notebook around a widget is light or dark: notebooks have a choice of their own. */

export function notebookScheme(page: Document): "light" | "dark" | null {
  const jupyter = page.body?.dataset.jpThemeLight;
  if (jupyter) return jupyter === "true" ? "light" : "dark";
  const code = page.body?.dataset.vscodeThemeKind; // vscode-high-contrast is dark
  if (code) return code.endsWith("light") ? "light" : "dark";
  const colab = page.documentElement.getAttribute("theme");
  return colab === "light" || colab === "dark" ? colab : null;
}
