// The filter of the requests and the timeline, kept in the URL.

import { outcomeOf } from "./outcome.js";

/** @import { Query } from "../lib/hash-route.js" */
/** @import { StoredRequest } from "./request-store.js" */

/** @typedef {{q: string, session: string, vendor: string, status: string}} Filter */

export const STATUS_OPTIONS = [
  ["", "any outcome"],
  ["2xx", "✓ answered (2xx)"],
  ["4xx", "▲ refused (4xx)"],
  ["429", "◆ rate limited (429)"],
  ["5xx", "✕ failed (5xx)"],
  ["cut", "✂\uFE0E cut, malformed, left"],
  ["open", "○ still open"],
];

/**
 * Return the filter in a query of the URL.
 * @param {Query} query
 * @returns {Filter}
 */
export function parseFilter({ q = "", session = "", vendor = "", status = "" }) {
  return { q, session, vendor, status };
}

/**
 * Return whether a request matches a filter.
 * @param {StoredRequest} request
 * @param {Filter} filter
 */
export function matchesFilter(request, filter) {
  return (
    (!filter.session || request.session === filter.session) &&
    (!filter.vendor || request.vendor === filter.vendor) &&
    (!filter.status || hasStatus(request, filter.status)) &&
    (!filter.q || searchText(request).includes(filter.q.toLowerCase()))
  );
}

/**
 * @param {StoredRequest} request
 * @param {string} status
 */
function hasStatus(request, status) {
  const { kind } = outcomeOf(request);
  if (status === "cut") return ["cut", "malformed", "left"].includes(kind);
  if (status === "open") return kind === "open";
  return String(request.status) === status || `${String(request.status)[0]}xx` === status;
}

/** @param {StoredRequest} request */
function searchText({ id, session, vendor, model, fixture, outcome, rule, fault, user, path }) {
  return [id, session, vendor, model, fixture, outcome, rule, fault, user, path].join("\n").toLowerCase();
}
