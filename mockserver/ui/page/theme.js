// Light or dark: as the system has it, unless somebody has said otherwise on this machine.

import { write } from "./element.js";

const KEY = "mockserver-theme";
const NEXT = { "": "light", light: "dark", dark: "" };
const WORDS = { "": "Auto", light: "Light", dark: "Dark" };

/** Makes the button go through the three. */
export function theme(button) {
  function show(chosen) {
    document.documentElement.dataset.theme = chosen;
    write(button, `◐ ${WORDS[chosen]}`);
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
