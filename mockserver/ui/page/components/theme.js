// The colour scheme: that of the system, unless the user has chosen one in this browser.

import { setText } from "../lib/dom.js";

const STORAGE_KEY = "mockserver-theme";
/** @type {Record<string, {label: string, next: string}>} */
const THEMES = {
  "": { label: "Auto", next: "light" },
  light: { label: "Light", next: "dark" },
  dark: { label: "Dark", next: "" },
};

/**
 * Apply the chosen theme, and let the button change it.
 * @param {HTMLElement} button
 */
export function initTheme(button) {
  const stored = localStorage.getItem(STORAGE_KEY) ?? "";
  let theme = stored in THEMES ? stored : "";

  function apply() {
    const { label, next } = THEMES[theme];
    document.documentElement.dataset.theme = theme;
    setText(button, `◐ ${label}`);
    button.setAttribute("aria-label", `Colour theme: ${label}. Change to ${THEMES[next].label}`);
  }

  apply();
  button.addEventListener("click", () => {
    theme = THEMES[theme].next;
    localStorage.setItem(STORAGE_KEY, theme);
    apply();
  });
}
