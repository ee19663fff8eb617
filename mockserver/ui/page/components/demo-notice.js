// The line above every view while the demo runs, so that its requests are not taken for those of a client.

import { h, setText } from "../lib/dom.js";
import { hashWith } from "../lib/hash-route.js";

/** @import { AppContext } from "../data/app-context.js" */

/**
 * Append the line to an element; `render` updates it.
 * @param {HTMLElement} element
 * @param {AppContext} context
 */
export function createDemoNotice(element, context) {
  const text = h("span");
  const links = h("span", { class: "demo-sessions" });
  const notice = h(
    "section",
    { class: "page-notice demo-notice", "aria-label": "Demo", hidden: true },
    text,
    links,
    h("button", { type: "button", onclick: stop }, "Stop the demo"),
  );
  element.append(notice);
  let stamp = "";

  async function stop() {
    await context.demo.stop();
    context.announce("The demo has stopped");
    document.getElementById("content")?.focus();
  }

  function render() {
    const { running, rounds, sessions } = context.demo.view;
    notice.hidden = !running;
    if (!running) return;
    setText(text, `The demo runs, round ${rounds}:`);
    const current = [location.hash, ...sessions.map(({ name }) => name)].join("\n");
    if (current === stamp) return;
    stamp = current;
    links.replaceChildren(
      ...sessions.map(({ name, description }) => h("a", { href: hashWith({ session: name, before: "" }), title: description }, name)),
    );
  }

  return { render };
}
