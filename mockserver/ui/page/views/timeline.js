// The timeline of retries: each call in a lane, with its attempts as bars, the waits between them and an assessment.

import { LABEL_SPACE, chartHeight, renderAttempts } from "../components/attempt-chart.js";
import { createEmptyState } from "../components/empty-state.js";
import { createToolbar } from "../components/toolbar.js";
import { listOutcomes } from "../data/outcome.js";
import { matchesFilter } from "../data/request-filter.js";
import { groupRetries } from "../data/retry-groups.js";
import { flattenChildren, h, setText, svg } from "../lib/dom.js";
import { formatCount, formatDuration, formatTime } from "../lib/format.js";
import { hashWith, replaceQuery } from "../lib/hash-route.js";
import { axisLength, axisTicks } from "../lib/time-axis.js";

/** @import { AppContext } from "../data/app-context.js" */
/** @import { StoredRequest } from "../data/request-store.js" */
/** @import { Call } from "../data/retry-groups.js" */

/**
 * The visible part of the time axis: `from` is the time at its left end, null for the start of each call; `until` is
 * when it stops moving.
 * @typedef {{length: number, from: number | null, until: number}} Axis
 */

/** @typedef {{x: number, time: number}} Tick */

/** @typedef {ReturnType<typeof createLane>} Lane */

const MAX_CALLS = 60;
const PADDING = 8; // pixels at both ends of the axis
const LINGER = 2000; // milliseconds for which a clock axis goes on moving after the last event
const MAX_CLOCK_LENGTH = 60e3; // milliseconds, unless the user chooses more
const MAX_REQUESTED_WAIT = 60e3; // milliseconds of a Retry-After that lengthen the axis
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
  const toolbar = createToolbar(context, axisSelect, lengthSelect, h("label", {}, retriesOnly, "retries only"));
  const ruler = svg("svg", { class: "ruler", "aria-hidden": "true" });
  const list = h("ol", { class: "lanes", "aria-label": "Calls, newest first" });
  /** @type {Map<string, Lane>} */
  const lanes = new Map(); // by the call's id
  const empty = h("div");
  const head = h("div", { class: "lane head" }, h("span", { class: "lane-label muted" }, "Call"), ruler);
  const chart = h("div", { class: "chart" }, head, list, createLegend());
  const element = h("section", { class: "timeline", "aria-label": "Timeline" }, toolbar.element, chart, empty);
  let width = 0;
  /** @type {StoredRequest[] | null} */
  let grouped = null; // the requests that `calls` was made of
  /** @type {Call[]} */
  let calls = [];

  new ResizeObserver(([entry]) => {
    width = Math.floor(entry.contentRect.width);
    context.requestRender();
  }).observe(ruler);

  function render() {
    axisSelect.value = context.query.axis ?? "";
    lengthSelect.value = context.query.span ?? "";
    retriesOnly.checked = context.query.retries === "only";
    const all = context.requests;
    if (grouped !== all) calls = groupRetries(all);
    grouped = all;
    const matching = calls.filter((call) => isShown(call, context));
    const shown = matching.slice(-MAX_CALLS).reverse();
    toolbar.render(...describePage(context, shown, matching));
    chart.hidden = matching.length === 0;
    empty.replaceChildren(...(matching.length || !context.list.isLoaded ? [] : [createEmptyState(context.store.requests.length > 0)]));
    if (!matching.length || !width) return false;
    const now = context.now();
    const axis = createAxis(shown, now);
    renderLanes(shown, axis, renderRuler(axis), now);
    return shown.some((call) => call.end === null) || (axis.from !== null && now < axis.until);
  }

  /**
   * @param {Call[]} shown
   * @param {number} now
   * @returns {Axis}
   */
  function createAxis(shown, now) {
    const chosen = Number(context.query.span) || 0;
    if (context.query.axis !== "clock") {
      const longest = Math.max(...shown.map((call) => drawnEnd(call, now) - call.start));
      const inner = width - 2 * PADDING;
      return { length: chosen || axisLength((longest * inner) / (inner - LABEL_SPACE)), from: null, until: now };
    }
    const until = Math.max(...shown.map((call) => call.end ?? now)) + LINGER;
    const right = Math.min(now, until);
    const length = chosen || Math.min(axisLength(right - Math.min(...shown.map((call) => call.start))), MAX_CLOCK_LENGTH);
    return { length, from: right - length, until };
  }

  /**
   * @param {Axis} axis
   * @returns {Tick[]}
   */
  function renderRuler({ from, length }) {
    const inner = width - 2 * PADDING;
    const start = from ?? 0;
    const ticks = axisTicks(start, length, inner).map((time) => ({ x: PADDING + ((time - start) / length) * inner, time }));
    ruler.replaceChildren(
      ...ticks.map(({ x, time }) => {
        const anchor = x < 30 ? "start" : x > width - 30 ? "end" : "middle";
        return svg("text", { x: x < 30 ? 2 : x, y: 18, "text-anchor": anchor }, formatTick(time, from !== null, length));
      }),
    );
    return ticks;
  }

  /**
   * @param {Call[]} shown
   * @param {Axis} axis
   * @param {Tick[]} ticks
   * @param {number} now
   */
  function renderLanes(shown, axis, ticks, now) {
    const ids = new Set(shown.map((call) => call.id));
    for (const [id, lane] of lanes) {
      if (ids.has(id)) continue;
      lane.element.remove();
      lanes.delete(id);
    }
    let next = list.firstElementChild;
    for (const call of shown) {
      const lane = lanes.get(call.id) ?? createLane(call.id);
      lanes.set(call.id, lane);
      if (lane.element === next) next = next.nextElementSibling;
      else list.insertBefore(lane.element, next);
      renderLane(lane, call, axis, ticks, now);
    }
  }

  /**
   * @param {Lane} lane
   * @param {Call} call
   * @param {Axis} axis
   * @param {Tick[]} ticks
   * @param {number} now
   */
  function renderLane(lane, call, axis, ticks, now) {
    const { last, assessment } = call;
    const from = axis.from ?? call.start;
    lane.link.href = hashWith({ id: last.id });
    lane.element.classList.toggle("current", call.attempts.some((attempt) => attempt.id === context.requestId));
    // A call that has ended looks the same until the axis changes or a retry arrives.
    const stamp = [axis.length, from, width, call.attempts.length, last.end, location.hash].join();
    if (last.end !== null && lane.stamp === stamp) return;
    lane.stamp = stamp;
    setText(lane.link, last.session);
    setText(lane.model, [last.vendor ?? "no vendor", last.model].filter(Boolean).join(" · "));
    setText(lane.user, last.user || `${last.method} ${last.path}`);
    lane.user.title = last.user;
    lane.assessment.className = `assessment ${assessment.isGood === null ? "plain" : assessment.isGood ? "good" : "bad"}`;
    setText(lane.assessment, assessment.text);
    const inner = width - 2 * PADDING;
    /** @param {number} time */
    const x = (time) => PADDING + ((time - from) / axis.length) * inner;
    lane.track.style.minHeight = `${chartHeight(call)}px`;
    const shapes = renderAttempts(call, { x, right: width - 4, now, ticks: ticks.map((tick) => tick.x) });
    lane.picture.replaceChildren(...flattenChildren(shapes));
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

/** @param {string} id of the call */
function createLane(id) {
  const link = h("a");
  const model = h("span", { class: "muted" });
  const user = h("p", { class: "user muted clip" });
  const assessment = h("span");
  const picture = svg("svg");
  const track = h("div", { class: "track" }, picture);
  const label = h("div", { class: "lane-label" }, h("p", { class: "clip" }, link, " ", model), user, assessment);
  const element = h("li", { class: "lane", "data-id": id }, label, track);
  return { element, link, model, user, assessment, picture, track, stamp: "" };
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
 * Return the time until which a call is drawn: its end, or the end of a Retry-After that the client ignored.
 * @param {Call} call
 * @param {number} now
 */
function drawnEnd(call, now) {
  return Math.max(call.end ?? now, ...call.waits.map((wait) => wait.from + Math.min(wait.requested ?? 0, MAX_REQUESTED_WAIT)));
}

/**
 * @param {number} time
 * @param {boolean} isClock
 * @param {number} length of the axis
 */
function formatTick(time, isClock, length) {
  if (isClock) return length < 5000 ? formatTime(time) : formatTime(time).slice(0, -4); // without milliseconds
  return time ? formatDuration(time) : "0";
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

function createLegend() {
  const outcomes = listOutcomes().map(([kind, sign, word]) => h("li", {}, h("span", { class: `outcome ${kind}`, "data-sign": sign }, word)));
  const shapes = [
    ["▏▏▏", "frames of a stream"],
    ["┄┄", "a wait"],
    ["└─┘", "the wait that Retry-After asks for"],
  ].map(([sign, text]) => h("li", {}, h("b", { "aria-hidden": "true" }, sign), ` ${text}`));
  return h("ul", { class: "legend muted", "aria-label": "Legend" }, outcomes, shapes);
}
