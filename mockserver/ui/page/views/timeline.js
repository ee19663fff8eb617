// The timeline of retries: each call in a lane, with its attempts as bars, the waits between them and an assessment.

import { createCallLanes } from "../components/call-lanes.js";
import { createEmptyState } from "../components/empty-state.js";
import { createFaultMenu } from "../components/fault-menu.js";
import { createToolbar } from "../components/toolbar.js";
import { listOutcomes } from "../data/outcome.js";
import { matchesFilter } from "../data/request-filter.js";
import { groupRetries } from "../data/retry-groups.js";
import { h } from "../lib/dom.js";
import { formatCount, formatDuration } from "../lib/format.js";
import { replaceQuery } from "../lib/hash-route.js";

/** @import { AppContext } from "../data/app-context.js" */
/** @import { StoredRequest } from "../data/request-store.js" */
/** @import { Call, CallIds } from "../data/retry-groups.js" */

const MAX_CALLS = 60;
const LENGTHS = [0, 1e3, 5e3, 15e3, 60e3, 300e3];

/** @param {AppContext} context */
export function createTimelineView(context) {
  const axisSelect = createQuerySelect("axis", "Time axis", [["", "from call start"], ["clock", "by the clock"]]);
  const lengthOptions = LENGTHS.map((ms) => (ms ? [String(ms), formatDuration(ms)] : ["", "auto length"]));
  const lengthSelect = createQuerySelect("span", "Length of the time axis", lengthOptions);
  const retriesOnly = h("input", {
    type: "checkbox",
    onchange: (event) => replaceQuery({ retries: event.target.checked ? "only" : "" }),
  });
  const faultMenu = createFaultMenu(context);
  const toolbar = createToolbar(context, axisSelect, lengthSelect, h("label", {}, retriesOnly, "retries only"), faultMenu.element);
  const legend = createLegend();
  const lanes = createCallLanes(context, "Calls, newest first", legend.button);
  const empty = createEmptyState(context);
  const element = h("section", { class: "timeline", "aria-label": "Timeline" }, toolbar.element, legend.element, lanes.element, empty.element);
  /** @type {StoredRequest[] | null} */
  let grouped = null; // the requests that `calls` was made of
  /** @type {CallIds | null} */
  let groupedBy = null;
  /** @type {Call[]} */
  let calls = [];

  function render() {
    const { query, list } = context;
    axisSelect.value = query.axis ?? "";
    lengthSelect.value = query.span ?? "";
    retriesOnly.checked = query.retries === "only";
    faultMenu.render();
    const all = context.requests;
    const ids = context.calls.follow(all);
    if (grouped !== all || groupedBy !== ids) calls = groupRetries(all, ids);
    [grouped, groupedBy] = [all, ids];
    const matching = calls.filter((call) => isShown(call, context));
    const shown = matching.slice(-MAX_CALLS).reverse();
    toolbar.render(...describePage(context, shown, matching));
    lanes.element.hidden = matching.length === 0;
    empty.render(!matching.length && list.isLoaded);
    return lanes.render(shown, query, context.findings.follow(all, context.filter.session));
  }

  return { element, render };
}

/**
 * Return which calls are shown, and the number of the oldest request shown if there are older ones.
 * @param {AppContext} context
 * @param {Call[]} shown newest first
 * @param {Call[]} matching
 * @returns {[string, number | undefined]}
 */
function describePage({ list, filter }, shown, matching) {
  const known = matching.reduce((sum, call) => sum + call.attempts.filter((attempt) => matchesFilter(attempt, filter)).length, 0);
  const isAll = shown.length === matching.length;
  if (list.countMatching(known) > list.counts.newer + known) {
    const calls = formatCount(shown.length, "call");
    return [`${isAll ? calls : `the newest ${calls}`} among ${list.describe(known, known)}`, shown.at(-1)?.attempts[0].number];
  }
  return isAll
    ? [formatCount(matching.length, "call"), undefined]
    : [`${shown.length} of ${formatCount(matching.length, "call")}, newest first`, shown.at(-1)?.attempts[0].number];
}

/**
 * Return whether any attempt of a call matches the filter; a call is always shown with all its attempts.
 * @param {Call} call
 * @param {AppContext} context
 */
function isShown(call, { filter, query }) {
  return (query.retries !== "only" || call.attempts.length > 1) && call.attempts.some((attempt) => matchesFilter(attempt, filter));
}

/**
 * @param {string} name
 * @param {string} label
 * @param {string[][]} options
 */
function createQuerySelect(name, label, options) {
  return h(
    "select",
    { "aria-label": label, onchange: (event) => replaceQuery({ [name]: event.target.value }) },
    options.map(([value, text]) => h("option", { value }, text)),
  );
}

/** Create the legend, which a button shows and hides. */
function createLegend() {
  const outcomes = listOutcomes().map(([kind, sign, word]) => h("li", {}, h("span", { class: `outcome ${kind}`, "data-sign": sign }, word)));
  const shapes = [
    ["▏▏▏", "frames of a stream"],
    ["┄┄", "a wait"],
    ["└─┘", "the wait that Retry-After asks for"],
  ].map(([sign, text]) => h("li", {}, h("b", { "aria-hidden": "true" }, sign), ` ${text}`));
  const element = h("ul", { class: "legend muted", "aria-label": "Legend", hidden: true }, outcomes, shapes);
  const button = h("button", { type: "button", class: "quiet", "aria-expanded": "false", "aria-label": "Legend" }, "? Legend");
  button.addEventListener("click", () => {
    element.hidden = !element.hidden;
    button.setAttribute("aria-expanded", String(!element.hidden));
  });
  return { element, button };
}
