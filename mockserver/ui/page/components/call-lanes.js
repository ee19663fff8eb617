// Calls as lanes below one time axis: each with its label, and the chart of its attempts.

import { listFindings } from "../data/finding-store.js";
import { flattenChildren, focusElement, focusedElement, h, setText, svg } from "../lib/dom.js";
import { formatDuration, formatTime } from "../lib/format.js";
import { formatHash, hashWith } from "../lib/hash-route.js";
import { axisLength, axisTicks } from "../lib/time-axis.js";
import { LABEL_SPACE, chartHeight, renderAttempts } from "./attempt-chart.js";
import { drawingUnit } from "./size.js";

/** @import { AppContext } from "../data/app-context.js" */
/** @import { Finding, FindingsById } from "../data/finding-store.js" */
/** @import { Call } from "../data/retry-groups.js" */

/**
 * The visible part of the time axis: `from` is the time at its left end, null for the start of each call; `until` is
 * when it stops moving.
 * @typedef {{length: number, from: number | null, until: number}} Axis
 */

/** @typedef {{x: number, time: number}} Tick */

/** @typedef {ReturnType<typeof createLane>} Lane */

const PADDING = 8; // pixels at both ends of the axis
const LINGER = 2000; // milliseconds for which a clock axis goes on moving after the last event
const MAX_CLOCK_LENGTH = 60e3; // milliseconds, unless the user chooses more
const MAX_FINDINGS = 2; // named beside a call
const MAX_REQUESTED_WAIT = 60e3; // milliseconds of a Retry-After that lengthen the axis

/**
 * `axis` is "clock" for an axis that follows the clock, `span` the length of the axis in milliseconds, if it is chosen.
 * @typedef {{axis?: string | undefined, span?: string | undefined}} AxisOptions
 */

/**
 * Create the lanes; `render` shows calls, newest first, and returns whether they change with the time.
 * @param {AppContext} context
 * @param {string} label
 * @param {HTMLElement | false} heading of the labels
 */
export function createCallLanes(context, label, heading = false) {
  const ruler = svg("svg", { class: "ruler", "aria-hidden": "true" });
  const list = h("ol", { class: "lanes", "aria-label": label, onkeydown: onKeydown });
  /** @type {Map<string, Lane>} */
  const lanes = new Map(); // by the call's id
  const head = h("div", { class: "lane head" }, h("div", { class: "lane-label muted" }, heading || "Call"), ruler);
  const element = h("div", { class: "chart" }, head, list);
  let width = 0;

  new ResizeObserver(([entry]) => {
    width = Math.floor(entry.contentRect.width);
    context.requestRender();
  }).observe(ruler);

  /**
   * Move the focus between the bars of a lane, and between lanes.
   * @param {KeyboardEvent} event
   */
  function onKeydown(event) {
    const lane = focusedElement()?.closest(".lane");
    if (!lane || event.ctrlKey || event.altKey || event.metaKey) return;
    const bars = [...lane.querySelectorAll(".bar")];
    const index = bars.findIndex((bar) => bar === document.activeElement);
    /** @type {Record<string, Element | null | undefined>} */
    const targets = {
      ArrowRight: bars[index + 1],
      ArrowLeft: bars[index - 1],
      ArrowDown: lane.nextElementSibling?.querySelector(".bar"),
      ArrowUp: lane.previousElementSibling?.querySelector(".bar"),
      Home: list.firstElementChild?.querySelector(".bar"),
      End: list.lastElementChild?.querySelector(".bar"),
    };
    if (!(event.key in targets)) return;
    event.preventDefault();
    focusElement(targets[event.key]);
  }

  /**
   * @param {Call[]} shown
   * @param {AxisOptions} [options]
   * @param {FindingsById} [findings] to name beside the calls
   */
  function render(shown, options = {}, findings = new Map()) {
    if (!shown.length || !width) return false;
    const now = context.now();
    const axis = createAxis(shown, now, options);
    renderLanes(shown, axis, renderRuler(axis), now);
    for (const call of shown) lanes.get(call.id)?.renderFindings(listFindings(findings, call.attempts));
    return shown.some((call) => call.end === null || isWaiting(call, now)) || (axis.from !== null && now < axis.until);
  }

  /**
   * @param {Call[]} shown
   * @param {number} now
   * @param {AxisOptions} options
   * @returns {Axis}
   */
  function createAxis(shown, now, options) {
    const chosen = Number(options.span) || 0;
    if (options.axis !== "clock") {
      const longest = Math.max(...shown.map((call) => drawnEnd(call, now) - call.start));
      const inner = width - 2 * PADDING;
      return { length: chosen || axisLength((longest * inner) / (inner - LABEL_SPACE * drawingUnit())), from: null, until: now };
    }
    const until = Math.max(...shown.map((call) => drawnEnd(call, now))) + LINGER;
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
        return svg("text", { x: x < 30 ? 2 : x, y: 18 * drawingUnit(), "text-anchor": anchor }, formatTick(time, from !== null, length));
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
    const unit = drawingUnit();
    const isMoving = last.end === null || isWaiting(call, now);
    const stamp = [axis.length, from, width, unit, call.attempts.length, last.end, isMoving, location.hash].join();
    if (!isMoving && lane.stamp === stamp) return;
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
    lane.track.style.minHeight = `${chartHeight(call, unit)}px`;
    const shapes = renderAttempts(call, { x, right: width - 4, now, ticks: ticks.map((tick) => tick.x), unit });
    const focused = lane.picture.contains(document.activeElement) ? focusedElement()?.dataset.request : undefined;
    lane.picture.replaceChildren(...flattenChildren(shapes));
    if (focused) focusElement(lane.picture.querySelector(`[data-request="${CSS.escape(focused)}"]`));
  }

  return { element, render };
}

/** @param {string} id of the call */
function createLane(id) {
  const link = h("a");
  const model = h("span", { class: "muted" });
  const user = h("p", { class: "user muted clip" });
  const assessment = h("span");
  const picture = svg("svg");
  const track = h("div", { class: "track" }, picture);
  const findingList = h("p", { class: "lane-findings", hidden: true });
  const label = h("div", { class: "lane-label" }, h("p", { class: "clip" }, link, " ", model), user, assessment, findingList);
  const element = h("li", { class: "lane", "data-id": id }, label, track);
  let named = "";

  /** @param {Finding[]} findings */
  function renderFindings(findings) {
    const current = findings.map((finding) => `${finding.rule}\t${finding.message}`).join("\n");
    if (current === named) return;
    named = current;
    const rules = [...new Map(findings.map((finding) => [finding.rule, finding])).values()]; // each once
    const more = rules.length - MAX_FINDINGS;
    findingList.hidden = rules.length === 0;
    findingList.replaceChildren(
      ...rules.slice(0, MAX_FINDINGS).flatMap((finding) => [createFindingLink(finding), " "]),
      more > 0 ? `and ${more} more` : "",
    );
  }

  return { element, link, model, user, assessment, picture, track, renderFindings, stamp: "" };
}

/**
 * Create a link from a finding to the report.
 * @param {Finding} finding
 */
function createFindingLink({ rule, severity, session, message }) {
  const attributes = { class: `chip ${severity === "error" ? "failed" : ""}`, href: formatHash("report", { session }), title: message, "data-rule": rule };
  return h("a", attributes, `${severity}: ${rule.replaceAll("-", " ")}`);
}

/**
 * Return whether a client may still be waiting before its next attempt.
 * @param {Call} call
 * @param {number} now
 */
function isWaiting({ pending }, now) {
  return pending !== null && now < pending.until;
}

/**
 * Return the time until which a call is drawn: its end, that of a wait, or that of a Retry-After.
 * @param {Call} call
 * @param {number} now
 */
function drawnEnd(call, now) {
  const waits = call.pending ? [...call.waits, call.pending] : call.waits;
  const requested = waits.map((wait) => wait.from + Math.min(wait.requested ?? 0, MAX_REQUESTED_WAIT));
  return Math.max(call.end ?? now, isWaiting(call, now) ? now : 0, ...requested);
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
