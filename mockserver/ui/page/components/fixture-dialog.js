// The dialog with a fixture made from a request: to edit, to copy into a file, or to add to the server.

import { requestJson, sendYaml, sessionQuery } from "../lib/api.js";
import { copyText } from "../lib/copy-button.js";
import { h, setText } from "../lib/dom.js";

/** @import { AppContext } from "../data/app-context.js" */
/** @import { RequestView } from "../data/request-store.js" */

/**
 * Open the dialog.
 * @param {AppContext} context
 * @param {RequestView} request
 */
export async function openFixtureDialog(context, { id, session }) {
  const text = h("textarea", { rows: "14", class: "mono", spellcheck: "false", "aria-label": "Fixture as YAML" });
  text.value = await requestJson("POST", `/requests/${id}/fixture`);
  const problem = h("p", { class: "problem", role: "alert" });
  /**
   * @param {string} title
   * @param {(button: HTMLButtonElement) => void} onClick
   * @param {string} [kind]
   */
  const button = (title, onClick, kind = "") =>
    h("button", { type: "button", class: kind, onclick: (event) => onClick(event.target) }, title);
  const dialog = h(
    "dialog",
    { class: "wide", "aria-labelledby": "fixture-title" },
    h("h2", { id: "fixture-title" }, "Fixture for this request"),
    h("p", {}, "Added here, it takes precedence over all others until the server stops. To keep it, copy it into a file."),
    text,
    problem,
    h(
      "div",
      { class: "actions" },
      button("Add for all sessions", () => add(""), "primary"),
      button(`Add for ${session}`, () => add(session)),
      button("Copy", (target) => copyText(context.announce, target, text.value)),
      button("Close", () => dialog.close()),
    ),
  );

  /** @param {string} forSession */
  async function add(forSession) {
    try {
      const { fixtures } = await sendYaml("POST", `/fixtures${sessionQuery(forSession)}`, text.value);
      context.announce(`Added ${fixtures.join(", ")}`);
      dialog.close();
    } catch (error) {
      setText(problem, error instanceof Error ? error.message : String(error));
    }
  }

  dialog.addEventListener("close", () => dialog.remove());
  // Escape would also close the detail panel behind the dialog.
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  document.body.append(dialog);
  dialog.showModal();
}
