const THEMES = ["system", "light", "dark"];

/** A button that goes through the themes. Nothing is kept: a page from a file has nowhere to keep it. */
export function startTheme(button: HTMLElement): void {
  let at = 0;
  button.addEventListener("click", () => {
    at = (at + 1) % THEMES.length;
    const theme = THEMES[at];
    button.textContent = `theme: ${theme}`;
    if (at) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  });
}
