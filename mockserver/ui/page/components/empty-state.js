// The text in place of an empty table or timeline: what to do next.

import { quoteForShell } from "../data/code-snippets.js";
import { resolveUrl } from "../lib/api.js";
import { h } from "../lib/dom.js";

/** @import { AppContext } from "../data/app-context.js" */

/**
 * Create the empty state; `render` shows or hides it.
 * @param {AppContext} context
 */
export function createEmptyState(context) {
  const body = JSON.stringify({ model: "o3-mini", messages: [{ role: "user", content: "Hello" }] });
  const url = quoteForShell(resolveUrl("v1/chat/completions"));
  const command = `curl ${url} \\\n  -H 'Authorization: Bearer any-key' \\\n  --json '${body}'`;
  const demo = h("p", { class: "start-demo" }, "Or let scripted clients send some: ", h("button", { type: "button", onclick: startDemo }, "Start the demo"));
  const none = h(
    "div",
    { class: "empty" },
    h("h2", {}, "No requests yet"),
    h("p", {}, "Point your client to this server, or try:"),
    h("pre", {}, command),
    demo,
  );
  const noMatch = h(
    "div",
    { class: "empty" },
    h("h2", {}, "No request matches the filter"),
    h("p", {}, "Change or remove a part of the filter."),
  );
  const element = h("div", {}, none, noMatch);

  async function startDemo() {
    await context.demo.start();
    context.announce("The demo runs");
    document.getElementById("content")?.focus();
  }

  /** @param {boolean} isEmpty */
  function render(isEmpty) {
    const isFiltered = context.store.requests.length > 0;
    none.hidden = !isEmpty || isFiltered;
    noMatch.hidden = !isEmpty || !isFiltered;
    demo.hidden = !context.demo.view.available || context.demo.view.running;
  }

  return { element, render };
}
