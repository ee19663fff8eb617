// The notices above every view: the session that the views are limited to, a lost server, and an action that failed.

import { h, setText } from "../lib/dom.js";
import { formatTime } from "../lib/format.js";
import { replaceQuery } from "../lib/hash-route.js";

/** @import { AppContext } from "../data/app-context.js" */

/** @type {Record<string, string>} */
const SESSION_EFFECTS = {
  timeline: "Only its requests are shown, and Clear deletes only these.",
  requests: "Only its requests are shown, and Clear deletes only these.",
  playground: "The other views are limited to it; the form has a session of its own.",
  faults: "A fault that you turn on applies to it alone.",
  fixtures: "Only the fixtures that apply to it are shown.",
  accounts: "Only its accounts are shown; changes, and the clock, apply to it alone.",
};

/**
 * Fill an element with the notices; `render` updates them, `showProblem` shows a failed action until it is closed.
 * @param {HTMLElement} element
 * @param {AppContext} context
 */
export function createPageNotices(element, context) {
  const lostText = h("span");
  const lost = h("p", { class: "page-notice lost", role: "alert", hidden: true }, lostText);
  const problemText = h("span");
  /** @type {HTMLElement} */
  const problem = h(
    "div",
    { class: "page-notice problem-notice", role: "alert", hidden: true },
    problemText,
    h("button", { type: "button", class: "quiet", "aria-label": "Close the message", onclick: closeProblem }, "✕"),
  );
  const name = h("b");
  const effect = h("span", { class: "muted" });
  const chip = h("span", { class: "session-chip" }, "Session ", name, h("button", { type: "button", class: "quiet", "aria-label": "Remove this filter", onclick: removeSession }, "✕"));
  const session = h("p", { class: "page-notice session-notice", hidden: true }, chip, effect);
  let lostAt = 0;
  element.append(lost, problem, session);

  function closeProblem() {
    problem.hidden = true;
  }

  function removeSession() {
    replaceQuery({ session: "" });
    document.getElementById("content")?.focus();
  }

  /** @param {"connecting" | "live" | "lost"} connection */
  function render(connection) {
    lost.hidden = connection !== "lost";
    if (connection !== "lost") lostAt = 0;
    else if (!lostAt) {
      lostAt = Date.now();
      setText(lostText, `The server does not answer since ${formatTime(lostAt).slice(0, -4)}. What you see is from before; trying again …`);
    }
    session.hidden = !context.filter.session;
    setText(name, context.filter.session);
    setText(effect, SESSION_EFFECTS[context.view] ?? "");
  }

  /** @param {unknown} error */
  function showProblem(error) {
    setText(problemText, error instanceof Error ? error.message : String(error));
    problem.hidden = false;
  }

  return { render, showProblem };
}
