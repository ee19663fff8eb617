// The toolbar above the requests and the timeline: filter, number of matches, pause and clear.

import { STATUS_OPTIONS } from "../data/request-filter.js";
import { requestJson, sessionQuery } from "../lib/api.js";
import { h, selectOption, setOptions, setText } from "../lib/dom.js";
import { formatCount } from "../lib/format.js";
import { hashWith, replaceQuery } from "../lib/hash-route.js";

/** @import { AppContext } from "../data/app-context.js" */
/** @import { StoredRequest } from "../data/request-store.js" */

/**
 * Create the toolbar; `render` updates it.
 * @param {AppContext} context
 * @param {...HTMLElement} controls of the view
 */
export function createToolbar(context, ...controls) {
  /**
   * @param {string} name
   * @param {string} label
   */
  const filterSelect = (name, label) =>
    h("select", { "aria-label": label, name, onchange: (event) => replaceQuery({ [name]: event.target.value, before: "" }) });
  const search = h("input", {
    type: "search",
    name: "q",
    placeholder: "Search",
    "aria-label": "Search in messages, names and ids",
    oninput: (event) => replaceQuery({ q: event.target.value, before: "" }),
  });
  const session = filterSelect("session", "Session");
  const vendor = filterSelect("vendor", "Vendor");
  const status = filterSelect("status", "Outcome");
  const count = h("span", { class: "count" });
  const newest = h("a", { class: "button" }, "Newest");
  const older = h("a", { class: "button" }, "Older");
  const pause = h("button", { type: "button", onclick: () => context.togglePause() }, "Pause");
  /** @type {StoredRequest[] | null} */
  let listed = null; // the requests whose sessions and vendors are options
  const clear = h("button", { type: "button", onclick: () => deleteRequests(context) }, "Clear");
  // On a phone this button shows and hides the selects.
  const expand = h("button", { type: "button", class: "expand", "aria-expanded": "false" }, "Filter");
  const selects = h("div", { class: "filters" }, session, vendor, status, ...controls);
  expand.addEventListener("click", () => expand.setAttribute("aria-expanded", String(selects.classList.toggle("expanded"))));
  const element = h(
    "div",
    { class: "toolbar", role: "search", "aria-label": "Filter" },
    search,
    expand,
    selects,
    h("div", { class: "align-end" }, count, newest, older, pause, clear),
  );

  // The headings below it stick to its lower edge.
  new ResizeObserver(() => element.parentElement?.style.setProperty("--toolbar-height", `${element.offsetHeight}px`)).observe(element);

  /**
   * @param {string} text which requests are shown
   * @param {number} [before] the number of the oldest request shown, if there are older ones
   */
  function render(text, before) {
    const { filter, paused, missed } = context;
    const { requests } = context.store;
    if (search.value !== filter.q) search.value = filter.q;
    if (listed !== requests) {
      setOptions(session, [["", "all sessions"], ...listValues(requests, "session")], filter.session);
      setOptions(vendor, [["", "all vendors"], ...listValues(requests, "vendor")], filter.vendor);
      listed = requests;
    }
    selectOption(session, filter.session);
    selectOption(vendor, filter.vendor);
    setOptions(status, STATUS_OPTIONS, filter.status);
    setText(count, paused && missed ? `paused, ${missed} more since` : text);
    newest.hidden = !context.query.before;
    newest.href = hashWith({ before: "" });
    older.hidden = !before;
    older.href = hashWith({ before: String(before) });
    pause.classList.toggle("primary", Boolean(paused));
    setText(pause, paused ? "Resume" : "Pause");
    clear.title = filter.session ? `Delete the requests of session ${filter.session}` : "Delete all requests";
  }

  return { element, render };
}

/**
 * @param {StoredRequest[]} requests
 * @param {"session" | "vendor"} field
 */
function listValues(requests, field) {
  const values = new Set(requests.flatMap((request) => request[field] ?? []));
  return [...values].sort().map((value) => [value, value]);
}

/** @param {AppContext} context */
async function deleteRequests(context) {
  const { session } = context.filter;
  const { deleted } = await requestJson("DELETE", `/requests${sessionQuery(session)}`);
  context.list.clear(session);
  context.announce(`${formatCount(deleted, "request")} deleted`);
  context.requestRender();
}
