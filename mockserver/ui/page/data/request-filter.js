// Which requests are looked at. A filter is a few words that stand in the address of the page.

import { outcomeOf } from "./outcome.js";

export const FILTER_FIELDS = ["q", "session", "vendor", "status"];
export const STATUS_OPTIONS = [
  ["", "any outcome"],
  ["2xx", "✓ answered (2xx)"],
  ["4xx", "▲ refused (4xx)"],
  ["429", "◆ rate limited (429)"],
  ["5xx", "✕ failed (5xx)"],
  ["cut", "✂\uFE0E cut, spoiled or left"],
  ["open", "○ still open"],
];

/** The words of an address that are a filter. */
export function parseFilter(query) {
  return Object.fromEntries(FILTER_FIELDS.map((field) => [field, query[field] ?? ""]));
}

/** Whether a request is among those looked at. */
export function matchesFilter(request, filter) {
  return (
    (!filter.session || request.session === filter.session) &&
    (!filter.vendor || request.vendor === filter.vendor) &&
    (!filter.status || isOf(request, filter.status)) &&
    (!filter.q || text(request).includes(filter.q.toLowerCase()))
  );
}

function isOf(request, status) {
  const { kind } = outcomeOf(request);
  if (status === "cut") return ["cut", "spoiled", "left"].includes(kind);
  if (status === "open") return kind === "open";
  return String(request.status) === status || `${String(request.status)[0]}xx` === status;
}

function text(request) {
  const { id, session, vendor, model, fixture, rule, fault, user, path } = request;
  return [id, session, vendor, model, fixture, rule, fault, user, path].join("\n").toLowerCase();
}
