// Buttons that copy a text to the clipboard. If the browser forbids that, the text is selected for the user to copy.

import { h, setText } from "./dom.js";

const CONFIRMATION_MS = 2000;

/** @typedef {(text: string) => void} Announce tells users of a screen reader */

/**
 * Create a button that copies the text of an element.
 * @param {Announce} announce
 * @param {Element} source
 * @param {string} [label]
 */
export function createCopyButton(announce, source, label = "Copy") {
  const select = () => getSelection()?.selectAllChildren(source);
  const button = h("button", { type: "button", class: "quiet" }, label);
  button.addEventListener("click", () => copyText(announce, button, source.textContent ?? "", select));
  return button;
}

/**
 * Copy a text and confirm it on the button for a while.
 * @param {Announce} announce
 * @param {HTMLButtonElement} button
 * @param {string} text
 * @param {() => void} [select] selects the text where copying is forbidden; by default a prompt shows it
 */
export async function copyText(announce, button, text, select = () => prompt("Press Ctrl+C to copy:", text)) {
  const label = button.textContent ?? "";
  let confirmation = "Copied";
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    select();
    confirmation = "Selected: press Ctrl+C";
  }
  setText(button, confirmation);
  announce(confirmation);
  setTimeout(() => setText(button, label), CONFIRMATION_MS);
}
