// The view and its filters, kept in the URL's hash, so that a link shows the same.

/** @typedef {Record<string, string | undefined>} Query */

/**
 * Parse `#/requests?status=5xx` into `{view, query}`.
 * @param {string} hash
 */
export function parseHash(hash) {
  const [view, query = ""] = hash.replace(/^#\/?/, "").split("?");
  return { view, query: Object.fromEntries(new URLSearchParams(query)) };
}

/**
 * Format a view and its query as a hash; empty values are left out.
 * @param {string} view
 * @param {Query} query
 */
export function formatHash(view, query) {
  const entries = Object.entries(query).flatMap(([name, value]) => (value ? [[name, value]] : []));
  const text = new URLSearchParams(entries).toString();
  return `#/${view}${text ? `?${text}` : ""}`;
}

/**
 * Return the current hash with some values of its query changed.
 * @param {Query} changes
 */
export function hashWith(changes) {
  const { view, query } = parseHash(location.hash);
  return formatHash(view, { ...query, ...changes });
}

/**
 * Change values of the query without a new entry in the browser's history: Back leaves a view, not a filter.
 * @param {Query} changes
 */
export function replaceQuery(changes) {
  const hash = hashWith(changes);
  if (hash === location.hash) return;
  history.replaceState(null, "", hash);
  dispatchEvent(new HashChangeEvent("hashchange"));
}
