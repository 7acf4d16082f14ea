/** Whether the notebook around a widget is light or dark: notebooks have a choice of their own. */

export function notebookScheme(page: Document): "light" | "dark" | null {
  const jupyter = page.body?.dataset.jpThemeLight;
  if (jupyter) return jupyter === "true" ? "light" : "dark";
  const code = page.body?.dataset.vscodeThemeKind; // vscode-high-contrast is dark
  if (code) return code.endsWith("light") ? "light" : "dark";
  const colab = page.documentElement.getAttribute("theme");
  return colab === "light" || colab === "dark" ? colab : null;
}
