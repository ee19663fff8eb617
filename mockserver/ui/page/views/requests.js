// The table of requests, newest first, updated as they arrive and end.

import { createEmptyState } from "../components/empty-state.js";
import { createOutcomeBadge } from "../components/outcome-badge.js";
import { createToolbar } from "../components/toolbar.js";
import { createVirtualRows } from "../components/virtual-rows.js";
import { describeSource } from "../data/answer-source.js";
import { isUnmatched, matchesFilter } from "../data/request-filter.js";
import { PAGE_SIZE } from "../data/request-list.js";
import { groupRetries } from "../data/retry-groups.js";
import { h, setText } from "../lib/dom.js";
import { formatDuration, formatTime } from "../lib/format.js";
import { hashWith } from "../lib/hash-route.js";

/** @import { AppContext } from "../data/app-context.js" */
/** @import { StoredRequest } from "../data/request-store.js" */
/** @import { CallIds } from "../data/retry-groups.js" */

/**
 * Name, heading and text of the columns; the text is made of a request and the number of its attempt. `outcome` is
 * rendered as a badge.
 * @type {[string, string, (request: StoredRequest, attempt: number) => string][]}
 */
const COLUMNS = [
  ["time", "Time", (request) => formatTime(request.at)],
  ["outcome", "Status", () => ""],
  ["session", "Session", (request) => request.session],
  ["vendor", "Vendor", (request) => request.vendor ?? "–"],
  ["model", "Model", (request) => request.model ?? "–"],
  ["stream", "Stream", (request) => (request.stream ? "stream" : "")],
  ["fixture", "Fixture", describeSource],
  ["first-byte", "First byte", (request) => formatDuration(request.first_byte_ms)],
  ["total", "Total", (request) => formatDuration(request.total_ms)],
  ["attempt", "Attempt", (_, attempt) => String(attempt)],
  ["user", "Message", (request) => request.user],
];

/** @param {AppContext} context */
export function createRequestsView(context) {
  const toolbar = createToolbar(context);
  const rows = createVirtualRows(() => element.parentElement, createRow, context.requestRender);
  const table = h(
    "table",
    {},
    h("caption", { class: "visually-hidden" }, "Requests, newest first"),
    h("thead", {}, h("tr", {}, COLUMNS.map(([name, title]) => h("th", { scope: "col", class: `col-${name}` }, title)))),
    rows.body,
  );
  const empty = createEmptyState(context);
  /** @type {HTMLElement} */
  const element = h("section", { "aria-label": "Requests" }, toolbar.element, h("div", { class: "requests" }, table), empty.element);
  /** @type {StoredRequest[] | null} */
  let numbered = null; // the requests that `attempts` was made of
  /** @type {CallIds | null} */
  let numberedBy = null;
  /** @type {Map<string, number>} */
  let attempts = new Map();

  function render() {
    const { list } = context;
    const all = context.requests;
    const ids = context.calls.follow(all);
    if (numbered !== all || numberedBy !== ids) attempts = numberAttempts(all, ids);
    [numbered, numberedBy] = [all, ids];
    const matching = all.filter((request) => matchesFilter(request, context.filter));
    const shown = matching.slice(-PAGE_SIZE).reverse();
    const hasOlder = list.countMatching(matching.length) > list.counts.newer + shown.length;
    toolbar.render(list.describe(shown.length, matching.length), hasOlder ? shown.at(-1)?.number : undefined);
    table.hidden = shown.length === 0;
    table.setAttribute("aria-rowcount", String(shown.length + 1));
    empty.render(!shown.length && list.isLoaded);
    rows.render(shown);
    return false;
  }

  /** Create a row; it updates its cells if its request has changed. */
  function createRow() {
    const link = h("a", {});
    const cells = new Map(COLUMNS.map(([name]) => [name, h("td", { class: `col-${name}` })]));
    cells.get("time")?.append(link);
    const rowElement = h("tr", {}, [...cells.values()]);
    /** @type {StoredRequest | null} */
    let current = null;
    let currentAttempt = 0;
    let stamp = "";

    /** @param {StoredRequest} request */
    function update(request) {
      if (stamp !== location.hash) link.href = hashWith({ id: request.id });
      stamp = location.hash;
      if (request.id === context.requestId) rowElement.setAttribute("aria-current", "true");
      else rowElement.removeAttribute("aria-current");
      const attempt = attempts.get(request.id) ?? 1;
      if (current === request && currentAttempt === attempt) return;
      [current, currentAttempt] = [request, attempt];
      rowElement.dataset.id = request.id;
      rowElement.classList.toggle("unmatched", isUnmatched(request));
      link.dataset.request = request.id;
      for (const [name, , format] of COLUMNS) {
        const cell = cells.get(name);
        const text = format(request, attempt);
        if (name === "time") setText(link, text);
        else if (name === "outcome") cell?.replaceChildren(createOutcomeBadge(request));
        else if (cell) setText(cell, text);
        if (cell && (name === "fixture" || name === "user")) cell.title = text;
      }
    }

    return { element: rowElement, link, update };
  }

  return { element, render };
}

/**
 * Return for each request the number of its attempt within its call.
 * @param {StoredRequest[]} requests
 * @param {CallIds} callIds
 * @returns {Map<string, number>}
 */
function numberAttempts(requests, callIds) {
  return new Map(groupRetries(requests, callIds).flatMap(({ attempts }) => attempts.map((request, index) => [request.id, index + 1])));
}
