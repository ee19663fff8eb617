// Links from one attempt of a call to the attempts before and after it.

import { groupRetries } from "../data/retry-groups.js";
import { h, setText } from "../lib/dom.js";
import { hashWith } from "../lib/hash-route.js";

/** @import { AppContext } from "../data/app-context.js" */
/** @import { StoredRequest } from "../data/request-store.js" */
/** @import { CallIds } from "../data/retry-groups.js" */

/**
 * Create the links; `render` updates them for a request.
 * @param {AppContext} context
 */
export function createAttemptNav(context) {
  const previous = h("a", { class: "button" }, "‹ Previous attempt");
  const place = h("span", { class: "muted" });
  const next = h("a", { class: "button" }, "Next attempt ›");
  const element = h("nav", { class: "attempt-nav", "aria-label": "Attempts of this call", hidden: true }, previous, place, next);
  /** @type {StoredRequest[] | null} */
  let grouped = null;
  /** @type {CallIds | null} */
  let groupedBy = null;
  let shownId = "";

  /** @param {string} id */
  function render(id) {
    const { requests } = context;
    const ids = context.calls.follow(requests);
    if (grouped === requests && groupedBy === ids && shownId === id) return;
    [grouped, groupedBy, shownId] = [requests, ids, id];
    const attempts = groupRetries(requests, ids).find((call) => call.attempts.some((attempt) => attempt.id === id))?.attempts ?? [];
    const index = attempts.findIndex((attempt) => attempt.id === id);
    element.hidden = attempts.length < 2;
    setText(place, `attempt ${index + 1} of ${attempts.length}`);
    link(previous, attempts[index - 1]);
    link(next, attempts[index + 1]);
  }

  return { element, render };
}

/**
 * @param {HTMLAnchorElement} anchor
 * @param {StoredRequest | undefined} attempt
 */
function link(anchor, attempt) {
  anchor.hidden = !attempt;
  if (attempt) anchor.href = hashWith({ id: attempt.id });
}
