// The table of requests, newest first, updated as they arrive and end.

import { createEmptyState } from "../components/empty-state.js";
import { createOutcomeBadge } from "../components/outcome-badge.js";
import { createToolbar } from "../components/toolbar.js";
import { describeSource } from "../data/answer-source.js";
import { matchesFilter } from "../data/request-filter.js";
import { groupRetries } from "../data/retry-groups.js";
import { h, setText } from "../lib/dom.js";
import { formatDuration, formatTime } from "../lib/format.js";
import { hashWith } from "../lib/hash-route.js";

/** @import { AppContext } from "../data/app-context.js" */
/** @import { StoredRequest } from "../data/request-store.js" */

/**
 * @typedef {object} Row
 * @property {HTMLTableRowElement} element
 * @property {Map<string, HTMLTableCellElement>} cells by column
 * @property {HTMLAnchorElement} link
 * @property {StoredRequest | null} request
 */

const MAX_ROWS = 500;
const ROWS_PER_RENDER = 50; // new rows, so that a long list does not block the page

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
  /** @type {Map<string, Row>} */
  const rows = new Map(); // by the request's id
  const body = h("tbody");
  const table = h(
    "table",
    {},
    h("caption", { class: "visually-hidden" }, "Requests, newest first"),
    h("thead", {}, h("tr", {}, COLUMNS.map(([name, title]) => h("th", { scope: "col", class: `col-${name}` }, title)))),
    body,
  );
  const empty = h("div");
  const element = h("section", { "aria-label": "Requests" }, toolbar.element, h("div", { class: "requests" }, table), empty);
  /** @type {StoredRequest[] | null} */
  let numbered = null; // the requests that `attempts` was made of
  /** @type {Map<string, number>} */
  let attempts = new Map();

  function render() {
    const all = context.requests;
    if (numbered !== all) attempts = numberAttempts(all);
    numbered = all;
    const matching = all.filter((request) => matchesFilter(request, context.filter));
    const shown = matching.slice(-MAX_ROWS).reverse();
    toolbar.render(matching.length, all);
    table.hidden = shown.length === 0;
    empty.replaceChildren(...(shown.length || !context.isLoaded ? [] : [createEmptyState(all.length > 0)]));
    return renderRows(shown);
  }

  /**
   * Bring the rows in order; update only those whose request has changed. Return whether more rows are to be made.
   * @param {StoredRequest[]} shown
   */
  function renderRows(shown) {
    const ids = new Set(shown.map((request) => request.id));
    for (const [id, row] of rows) {
      if (ids.has(id)) continue;
      row.element.remove();
      rows.delete(id);
    }
    let next = body.firstElementChild;
    const limit = rows.size + ROWS_PER_RENDER;
    for (const request of shown) {
      if (!rows.has(request.id) && rows.size === limit) return true;
      const row = rows.get(request.id) ?? createRow(request.id);
      if (row.element === next) next = next.nextElementSibling;
      else body.insertBefore(row.element, next);
      renderRow(row, request);
    }
    return false;
  }

  /** @param {string} id */
  function createRow(id) {
    const link = h("a", {});
    const cells = new Map(COLUMNS.map(([name]) => [name, h("td", { class: `col-${name}` })]));
    cells.get("time")?.append(link);
    /** @type {Row} */
    const row = { element: h("tr", { "data-id": id }, [...cells.values()]), cells, link, request: null };
    rows.set(id, row);
    return row;
  }

  /**
   * @param {Row} row
   * @param {StoredRequest} request
   */
  function renderRow(row, request) {
    row.link.href = hashWith({ id: request.id });
    if (request.id === context.requestId) row.element.setAttribute("aria-current", "true");
    else row.element.removeAttribute("aria-current");
    if (row.request === request) return;
    row.request = request;
    for (const [name, , format] of COLUMNS) {
      const cell = row.cells.get(name);
      const text = format(request, attempts.get(request.id) ?? 1);
      if (name === "time") setText(row.link, text);
      else if (name === "outcome") cell?.replaceChildren(createOutcomeBadge(request));
      else if (cell) setText(cell, text);
      if (cell && (name === "fixture" || name === "user")) cell.title = text;
    }
  }

  return { element, render };
}

/**
 * Return for each request the number of its attempt within its call.
 * @param {StoredRequest[]} requests
 * @returns {Map<string, number>}
 */
function numberAttempts(requests) {
  return new Map(groupRetries(requests).flatMap(({ attempts }) => attempts.map((request, index) => [request.id, index + 1])));
}
