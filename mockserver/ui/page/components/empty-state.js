// What stands where nothing is to be seen yet: what to do next.

import { resolveUrl } from "../lib/api.js";
import { h } from "../lib/dom.js";

/** Shown in place of a table or a timeline. */
export function createEmptyState(all) {
  if (all) {
    return h("div", { class: "empty" }, h("h2", {}, "Nothing passes the filter"), h("p", {}, "Take a word away from it."));
  }
  const body = JSON.stringify({ model: "o1-preview", messages: [{ role: "user", content: "Hello" }] });
  const command = `curl ${resolveUrl("v1/chat/completions")} \\\n  -H 'Authorization: Bearer any-key' \\\n  --json '${body}'`;
  return h(
    "div",
    { class: "empty" },
    h("h2", {}, "Nobody has asked anything yet"),
    h("p", {}, "Point your client here and watch what it does, or try this:"),
    h("pre", {}, command),
  );
}
