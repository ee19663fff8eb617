// The filter of the requests and the timeline, kept in the URL.

/** @import { Query } from "../lib/hash-route.js" */
/** @import { StoredRequest } from "./request-store.js" */

/** @typedef {{q: string, session: string, vendor: string, status: string}} Filter */

export const STATUS_OPTIONS = [
  ["", "any outcome"],
  ["2xx", "✓ answered (2xx)"],
  ["4xx", "▲ refused (4xx)"],
  ["429", "◆ rate limited (429)"],
  ["5xx", "✕ failed (5xx)"],
  ["cut", "✂\uFE0E cut off, client left"],
  ["fault", "◐ with a fault"],
  ["unmatched", "? no fixture matched"],
  ["open", "○ still open"],
];
const CUT_ENDS = ["dropped", "left", "closed"];
const UNMATCHED_OUTCOMES = ["generated", "unmatched", "unknown_path"];

/**
 * The outcomes that are no statuses: for each, whether a request has it, and the parameters of a search on the server.
 * @type {Record<string, {holds: (request: StoredRequest) => boolean, parameters: string}>}
 */
const OUTCOMES = {
  cut: { holds: ({ ended }) => ended !== null && CUT_ENDS.includes(ended), parameters: `&ended=${CUT_ENDS}` },
  fault: { holds: ({ fault }) => fault !== null, parameters: "&faulty=true" },
  unmatched: { holds: isUnmatched, parameters: "&unmatched=true" },
  open: { holds: ({ ended }) => ended === null, parameters: "&ended=open" },
};

/**
 * Return the filter in a query of the URL.
 * @param {Query} query
 * @returns {Filter}
 */
export function parseFilter({ q = "", session = "", vendor = "", status = "" }) {
  return { q, session, vendor, status };
}

/**
 * Return whether no fixture matched a request, though one could have.
 * @param {Pick<StoredRequest, "outcome">} request
 */
export function isUnmatched({ outcome }) {
  return outcome !== null && UNMATCHED_OUTCOMES.includes(outcome);
}

/**
 * Return a filter as parameters of a search on the server, each after an ampersand.
 * @param {Filter} filter
 */
export function searchParameters({ q, session, vendor, status }) {
  const fields = Object.entries({ q, session, vendor }).filter(([, value]) => value);
  const outcome = OUTCOMES[status]?.parameters ?? (status && `&status=${encodeURIComponent(status)}`);
  return fields.map(([name, value]) => `&${name}=${encodeURIComponent(value)}`).join("") + outcome;
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
  if (status in OUTCOMES) return OUTCOMES[status].holds(request);
  return String(request.status) === status || `${String(request.status)[0]}xx` === status;
}

/** @param {StoredRequest} request */
function searchText({ id, session, vendor, model, fixture, outcome, rule, fault, user, path }) {
  return [id, session, vendor, model, fixture, outcome, rule, fault, user, path].join("\n").toLowerCase();
}
