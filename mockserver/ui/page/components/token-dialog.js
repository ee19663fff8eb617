// The token of a guarded server, asked of whoever looks at the page.

import { storeToken } from "../lib/api.js";
import { h } from "../lib/dom.js";

let open = null; // the promise that all who wait for the token share

/** Done when a token has been given; whether it is the right one, the next call says. */
export function promptForToken(again) {
  open ??= asked(again).finally(() => (open = null));
  return open;
}

function asked(again) {
  return new Promise((done) => {
    const input = h("input", { type: "password", "aria-label": "Token", autocomplete: "off", required: true });
    const dialog = h(
      "dialog",
      { "aria-labelledby": "locked" },
      h("h2", { id: "locked" }, "This server is guarded"),
      h("p", {}, again ? "That is not its token. Try again:" : "It was started with --admin-token. What is the token?"),
      h("form", { method: "dialog" }, input, h("button", { class: "main" }, "Unlock")),
    );
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.addEventListener("close", () => {
      storeToken(input.value);
      dialog.remove();
      done();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
