// A fixture drafted from a request: to be edited, copied into a file, or served at once.

import { ask, submit } from "./api.js";
import { copy } from "./copying.js";
import { h, write } from "./element.js";

/** Shows the draft in a dialog. */
export async function drafting(context, told) {
  const text = h("textarea", { rows: "14", class: "fixed", spellcheck: "false", "aria-label": "The fixture, as YAML" });
  text.value = await ask("POST", `/requests/${told.id}/fixture`);
  const wrong = h("p", { class: "wrong", role: "alert" });
  const button = (title, act, kind = "") => h("button", { type: "button", class: kind, onclick: (event) => act(event.target) }, title);
  const dialog = h(
    "dialog",
    { class: "wide", "aria-labelledby": "draft" },
    h("h2", { id: "draft" }, "A fixture of this request"),
    h("p", {}, "Served at once, it goes before all others until the server stops. To keep it, copy it into a file."),
    text,
    wrong,
    h(
      "div",
      { class: "actions" },
      button("Serve it to everybody", () => serve(""), "main"),
      button(`Serve it to ${told.session}`, () => serve(`?session=${encodeURIComponent(told.session)}`)),
      button("Copy", (at) => copy(context, at, text.value)),
      button("Close", () => dialog.close()),
    ),
  );

  async function serve(query) {
    try {
      const { fixtures } = await submit("POST", `/fixtures${query}`, text.value);
      context.say(`${fixtures.join(", ")} is served`);
      dialog.close();
    } catch (error) {
      write(wrong, error.message);
    }
  }

  dialog.addEventListener("close", () => dialog.remove());
  // The page's own Escape would close what stands behind the dialog.
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  document.body.append(dialog);
  dialog.showModal();
}
