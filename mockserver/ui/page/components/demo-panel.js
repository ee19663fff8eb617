// The demo: what its clients do, links to their requests and findings, and its start and stop.

import { h, setText } from "../lib/dom.js";
import { formatHash } from "../lib/hash-route.js";

/** @import { AppContext } from "../data/app-context.js" */

/**
 * Create the panel; `render` updates it.
 * @param {AppContext} context
 */
export function createDemoPanel(context) {
  const button = h("button", { type: "button", onclick: toggleDemo });
  const list = h("ul", { class: "demo-clients" });
  const element = h(
    "article",
    { class: "panel", "aria-label": "Demo", hidden: true },
    h("header", {}, h("h3", {}, "Demo"), h("span", { class: "align-end" }, button)),
    h("p", { class: "muted" }, "Scripted clients that send real requests, until you stop them:"),
    list,
  );

  async function toggleDemo() {
    const { demo } = context;
    await (demo.view.running ? demo.stop() : demo.start());
    context.announce(demo.view.running ? "The demo runs" : "The demo has stopped");
  }

  function render() {
    const { available, running, sessions } = context.demo.view;
    element.hidden = !available;
    setText(button, running ? "Stop the demo" : "Start the demo");
    if (list.childElementCount === sessions.length) return;
    list.replaceChildren(
      ...sessions.map(({ name, description }) => {
        const calls = h("a", { href: formatHash("timeline", { session: name }) }, name);
        const findings = h("a", { href: formatHash("report", { session: name }), "aria-label": `findings of ${name}` }, "findings");
        return h("li", {}, calls, ` ${description}: `, findings);
      }),
    );
  }

  return { element, render };
}
