// Where the page is: the view and what is looked at in it stand after the `#`, so that a link shows the same.

/** `#/requests?status=5xx` as `{view, query}`. */
export function parseHash(hash) {
  const [view, query = ""] = hash.replace(/^#\/?/, "").split("?");
  return { view, query: Object.fromEntries(new URLSearchParams(query)) };
}

/** And back; what is empty is left out. */
export function formatHash(view, query) {
  const words = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
  return `#/${view}${words ? `?${words}` : ""}`;
}

/** The same place with some words changed. */
export function hashWith(words) {
  const { view, query } = parseHash(location.hash);
  return formatHash(view, { ...query, ...words });
}

/** Goes there without a step in the history: a filter is no place to come back to. */
export function replaceQuery(words) {
  const hash = hashWith(words);
  if (hash === location.hash) return;
  history.replaceState(null, "", hash);
  dispatchEvent(new HashChangeEvent("hashchange"));
}
