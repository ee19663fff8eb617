// A fixture drafted from a request: to be edited, copied into a file, or served at once.

import { requestJson, sendYaml } from "../lib/api.js";
import { copyText } from "../lib/copy-button.js";
import { h, setText } from "../lib/dom.js";

/** Shows the draft in a dialog. */
export async function openFixtureDialog(context, told) {
  const text = h("textarea", { rows: "14", class: "fixed", spellcheck: "false", "aria-label": "The fixture, as YAML" });
  text.value = await requestJson("POST", `/requests/${told.id}/fixture`);
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
      button("Copy", (at) => copyText(context, at, text.value)),
      button("Close", () => dialog.close()),
    ),
  );

  async function serve(query) {
    try {
      const { fixtures } = await sendYaml("POST", `/fixtures${query}`, text.value);
      context.say(`${fixtures.join(", ")} is served`);
      dialog.close();
    } catch (error) {
      setText(wrong, error.message);
    }
  }

  dialog.addEventListener("close", () => dialog.remove());
  // The page's own Escape would close what stands behind the dialog.
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  document.body.append(dialog);
  dialog.showModal();
}
