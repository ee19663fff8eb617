// The text in place of an empty table or timeline: what to do next.

import { quoteForShell } from "../data/code-snippets.js";
import { resolveUrl } from "../lib/api.js";
import { h } from "../lib/dom.js";

/**
 * Create the empty state.
 * @param {boolean} isFiltered whether there are requests, but none matches the filter
 */
export function createEmptyState(isFiltered) {
  if (isFiltered) {
    return h("div", { class: "empty" }, h("h2", {}, "No request matches the filter"), h("p", {}, "Change or remove a part of the filter."));
  }
  const body = JSON.stringify({ model: "o1-preview", messages: [{ role: "user", content: "Hello" }] });
  const url = quoteForShell(resolveUrl("v1/chat/completions"));
  const command = `curl ${url} \\\n  -H 'Authorization: Bearer any-key' \\\n  --json '${body}'`;
  return h(
    "div",
    { class: "empty" },
    h("h2", {}, "No requests yet"),
    h("p", {}, "Point your client to this server, or try:"),
    h("pre", {}, command),
  );
}
