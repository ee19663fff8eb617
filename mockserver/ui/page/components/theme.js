// Light or dark: as the system has it, unless somebody has said otherwise on this machine.

import { setText } from "../lib/dom.js";

const KEY = "mockserver-theme";
const NEXT = { "": "light", light: "dark", dark: "" };
const WORDS = { "": "Auto", light: "Light", dark: "Dark" };

/** Makes the button go through the three. */
export function initTheme(button) {
  function show(chosen) {
    document.documentElement.dataset.theme = chosen;
    setText(button, `◐ ${WORDS[chosen]}`);
    button.setAttribute("aria-label", `Colours: ${WORDS[chosen]}. Change to ${WORDS[NEXT[chosen]]}`);
  }

  const stored = localStorage.getItem(KEY);
  show(stored in WORDS ? stored : "");
  button.addEventListener("click", () => {
    const chosen = NEXT[document.documentElement.dataset.theme];
    localStorage.setItem(KEY, chosen);
    show(chosen);
  });
}
