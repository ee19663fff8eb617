// The dialog that asks for the token of a server with `--admin-token`.

import { storeToken } from "../lib/api.js";
import { h } from "../lib/dom.js";

/** @type {Promise<void> | null} */
let pending = null; // shared by all requests that wait for the token

/**
 * Ask for the token. Resolve when one is entered; the next request tells whether it is valid.
 * @param {boolean} wasRefused whether the last token was wrong
 */
export function promptForToken(wasRefused) {
  pending ??= openDialog(wasRefused).finally(() => (pending = null));
  return pending;
}

/**
 * @param {boolean} wasRefused
 * @returns {Promise<void>}
 */
function openDialog(wasRefused) {
  return new Promise((resolve) => {
    const input = h("input", { type: "password", "aria-label": "Token", autocomplete: "off", required: true });
    const dialog = h(
      "dialog",
      { "aria-labelledby": "token-title" },
      h("h2", { id: "token-title" }, "This server needs a token"),
      h("p", {}, wasRefused ? "This token is wrong. Try again." : "Enter the value of --admin-token that the server was started with."),
      h("form", { method: "dialog" }, input, h("button", { class: "primary" }, "Sign in")),
    );
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.addEventListener("close", () => {
      storeToken(input.value);
      dialog.remove();
      resolve();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
