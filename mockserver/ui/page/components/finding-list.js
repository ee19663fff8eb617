// The findings of the report about one request, in its detail.

import { listFindings } from "../data/finding-store.js";
import { h } from "../lib/dom.js";

/** @import { AppContext } from "../data/app-context.js" */
/** @import { FindingsById } from "../data/finding-store.js" */

/**
 * Create the list; `render` updates it for a request.
 * @param {AppContext} context
 */
export function createFindingList(context) {
  const element = h("ul", { class: "findings", "aria-label": "Findings", hidden: true });
  /** @type {FindingsById | null} */
  let shown = null;
  let shownId = "";

  /** @param {string} id */
  function render(id) {
    const byId = context.findings.follow(context.requests, context.filter.session);
    if (shown === byId && shownId === id) return;
    [shown, shownId] = [byId, id];
    const findings = listFindings(byId, [{ id }]);
    element.hidden = findings.length === 0;
    element.replaceChildren(
      ...findings.map(({ rule, severity, message, advice }) =>
        h(
          "li",
          { "data-rule": rule, class: severity === "error" ? "failed" : "" },
          h("b", {}, severity),
          ` ${message}. `,
          h("span", { class: "muted" }, advice),
        ),
      ),
    );
  }

  return { element, render };
}
