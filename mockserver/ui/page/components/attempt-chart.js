// The chart of one call: a bar for each attempt on a time axis, the waits between them, and ticks for stream frames.

import { outcomeOf } from "../data/outcome.js";
import { svg } from "../lib/dom.js";
import { formatDuration } from "../lib/format.js";
import { hashWith } from "../lib/hash-route.js";

/** @import { StoredRequest } from "../data/request-store.js" */
/** @import { Call, Wait, WaitKind } from "../data/retry-groups.js" */
/** @import { Child } from "../lib/dom.js" */

/**
 * `x` maps a time to pixels, `right` is the right end in pixels, `ticks` are the positions of the grid lines, and `unit`
 * is the factor of all other lengths.
 * @typedef {{x: (time: number) => number, right: number, now: number, ticks: number[], unit: number}} Scale
 */

/** @typedef {Pick<Wait, "from" | "to" | "waited" | "requested"> & {kind: WaitKind | "pending" | "given-up"}} DrawnWait */

const BAR_HEIGHT = 14; // pixels
const MIN_BAR_WIDTH = 3; // pixels, so that the shortest attempt is visible
const CHARACTER_WIDTH = 6.1; // pixels, of the small text
const STATUS_CHARACTER_WIDTH = 6.6; // pixels, of the bold text
/** @type {Record<DrawnWait["kind"], string>} */
const WAIT_CLASSES = { ignored: "bad", immediate: "bad", honoured: "good", waited: "plain", pending: "plain", "given-up": "plain" };

export const LABEL_SPACE = 130; // pixels after the last bar, for the label

/**
 * Return the height of a chart in pixels. A call with retries, or one that may be retried, has the waits below the bars.
 * @param {Call} call
 * @param {number} unit
 */
export function chartHeight(call, unit) {
  return (hasWaits(call) ? 60 : 46) * unit;
}

/** @param {Call} call */
function hasWaits({ attempts, pending }) {
  return attempts.length > 1 || pending !== null;
}

/**
 * Return the waits to draw; the last one may be in progress, or that of a client that has given up.
 * @param {Call} call
 * @param {number} now
 * @returns {DrawnWait[]}
 */
function listWaits({ waits, pending }, now) {
  if (!pending) return waits;
  const { from, requested, until } = pending;
  if (now < until) return [...waits, { from, to: now, waited: now - from, requested, kind: "pending" }];
  return requested === null ? waits : [...waits, { from, to: from, waited: 0, requested, kind: "given-up" }];
}

/**
 * Return the shapes of a chart.
 * @param {Call} call
 * @param {Scale} scale
 * @returns {Child[]}
 */
export function renderAttempts(call, scale) {
  const { attempts } = call;
  const { unit, now } = scale;
  const waits = listWaits(call, now);
  const hasRetries = hasWaits(call);
  const top = (hasRetries ? 19 : 16) * unit;
  return [
    svg("path", { class: "grid", d: scale.ticks.map((x) => `M${round(x)} 0V999`).join("") }),
    waits.map((wait) => renderWait(wait, scale, top + (BAR_HEIGHT * unit) / 2)),
    waits.length > 0 && renderWaitLabels(waits, scale, top + (BAR_HEIGHT + 7) * unit),
    attempts.map((attempt, index) => renderBar(attempt, describeAttempt(attempt, index + 1), scale, top)),
    hasRetries && renderStatuses(attempts, scale),
    renderSummary(call, scale, top, Math.max(...waits.map((wait) => wait.to))),
  ];
}

/**
 * @param {StoredRequest} attempt
 * @param {string} label
 * @param {Scale} scale
 * @param {number} top
 */
function renderBar(attempt, label, { x, now, unit }, top) {
  const { kind } = outcomeOf(attempt);
  const from = x(attempt.at);
  const to = Math.max(x(attempt.end ?? now), from + MIN_BAR_WIDTH);
  const firstByte = attempt.first_byte_ms === null ? to : Math.min(x(attempt.at + attempt.first_byte_ms), to);
  const isStream = attempt.frames_ms.length > 1;
  const barHeight = BAR_HEIGHT * unit;
  const shape = { y: top, height: barHeight, rx: 2 };
  return svg(
    "a",
    { href: hashWith({ id: attempt.id }), "data-request": attempt.id, class: `bar ${kind}${isStream ? " stream" : ""}`, "aria-label": label },
    svg("title", {}, label),
    // Larger than the bar, so that a narrow one is easy to click.
    svg("rect", { class: "hit-area", x: from - 3, y: top - 5, width: to - from + 6, height: barHeight + 10 }),
    svg("rect", { class: "duration", x: round(from), width: round(to - from), ...shape }),
    isStream && svg("rect", { class: "first-byte", x: round(from), width: round(firstByte - from), ...shape }),
    isStream && svg("path", { class: "frames", d: framesPath(attempt, x, to, `${top + 2}v${barHeight - 4}`) }),
    (kind === "cut" || kind === "left") && svg("path", { class: "cut-mark", d: cutPath(to, top, unit) }),
  );
}

/**
 * Return a tick for each pixel at which frames were sent.
 * @param {StoredRequest} attempt
 * @param {(time: number) => number} x
 * @param {number} to
 * @param {string} line the end of each tick's path
 */
function framesPath(attempt, x, to, line) {
  const positions = new Set(attempt.frames_ms.map((ms) => Math.round(x(attempt.at + ms)) + 0.5));
  return [...positions].filter((position) => position <= to + 1).map((position) => `M${position} ${line}`).join("");
}

/**
 * @param {number} to
 * @param {number} top
 * @param {number} unit
 */
function cutPath(to, top, unit) {
  const zigzag = [[3, 4.5], [-5, 4], [5, 4.5], [-5, 4.5], [3, 4.5]];
  return `M${round(to)} ${round(top - 4 * unit)}${zigzag.map(([x, y]) => `l${round(x * unit)} ${round(y * unit)}`).join("")}`;
}

/**
 * @param {DrawnWait} wait
 * @param {Scale} scale
 * @param {number} y
 */
function renderWait(wait, { x }, y) {
  return svg("line", { class: `wait ${WAIT_CLASSES[wait.kind]} ${wait.kind}`, x1: round(x(wait.from)), x2: round(x(wait.to)), y1: y, y2: y });
}

/**
 * Return the durations of the waits, below the bars; for a Retry-After also a bracket as long as the requested wait.
 * @param {DrawnWait[]} waits
 * @param {Scale} scale
 * @param {number} y
 * @returns {Child[]}
 */
function renderWaitLabels(waits, { x, right, unit }, y) {
  const characterWidth = CHARACTER_WIDTH * unit;
  let free = -Infinity; // where the next label may begin
  const labels = waits.map((wait, index) => {
    const from = x(wait.from);
    const requested = wait.requested === null ? 0 : x(wait.from + wait.requested) - from;
    const isLast = wait.kind === "pending" || wait.kind === "given-up"; // there is nothing beside it
    const space = isLast ? right - from : Math.min(Math.max(x(wait.to) - from, requested), right - from);
    const text = waitTexts(wait).find((candidate) => candidate.length * characterWidth <= space);
    const isShown = text !== undefined && from >= free;
    if (isShown) free = from + text.length * characterWidth + 6;
    const position = requested || isLast ? { x: round(from) } : { x: round(from + space / 2), "text-anchor": "middle" };
    // Brackets of waits that the client ignored overlap; so they alternate between three heights.
    const bottom = y + (index % 3) * 2.5 * unit;
    return [
      requested > 0 && svg("path", { class: "retry-after", d: `M${round(from)} ${bottom - 3}v3h${round(requested)}v-3` }),
      isShown && svg("text", { class: `wait-label ${WAIT_CLASSES[wait.kind]}`, y: y + 15 * unit, ...position }, text),
    ];
  });
  return free === -Infinity ? [labels, renderWaitSummary(waits, x(waits[0].from), y + 15 * unit)] : labels;
}

/**
 * Return one label for all waits, if there is no space for a label of each.
 * @param {DrawnWait[]} waits
 * @param {number} from
 * @param {number} y
 */
function renderWaitSummary(waits, from, y) {
  const times = waits.map((wait) => wait.waited);
  const [shortest, longest] = [formatDuration(Math.min(...times)), formatDuration(Math.max(...times))];
  const bad = waits.find((wait) => WAIT_CLASSES[wait.kind] === "bad");
  const text = shortest === longest ? `waits ${shortest}` : `waits ${shortest} to ${longest}`;
  return svg("text", { class: `wait-label ${WAIT_CLASSES[(bad ?? waits[0]).kind]}`, x: round(from), y }, text);
}

/**
 * Return texts for a wait, the longest first.
 * @param {DrawnWait} wait
 */
function waitTexts({ waited, requested, kind }) {
  const actual = formatDuration(kind === "pending" ? Math.round(waited / 100) * 100 : waited);
  if (kind === "given-up") return [`Retry-After ${formatDuration(requested)}, no retry`, `asked ${formatDuration(requested)}, no retry`];
  if (kind === "pending") return [requested === null ? `no retry for ${actual}` : `Retry-After ${formatDuration(requested)}, no retry for ${actual}`];
  if (requested === null) return [`waits ${actual}`, actual];
  const sign = kind === "honoured" ? "✓" : "✕";
  const expected = formatDuration(requested);
  return [`${sign} Retry-After ${expected}, waits ${actual}`, `${sign} asked ${expected}, waits ${actual}`, `${sign} ${actual} of ${expected}`];
}

/**
 * Return the statuses above the bars, where there is space.
 * @param {StoredRequest[]} attempts
 * @param {Scale} scale
 */
function renderStatuses(attempts, { x, right, unit }) {
  let free = -Infinity;
  return attempts.map((attempt) => {
    const { kind, status, sign } = outcomeOf(attempt);
    const text = kind === "cut" || kind === "malformed" ? `${status} ${sign}` : status;
    const from = x(attempt.at);
    if (!text || from < free || from > right - 10) return null;
    free = from + text.length * STATUS_CHARACTER_WIDTH * unit + 5;
    return svg("text", { class: `status ${kind}`, x: round(from), y: 11 * unit }, text);
  });
}

/**
 * Return the label with the outcome of the call: after the last bar, before the first one, or over the right end.
 * @param {Call} call
 * @param {Scale} scale
 * @param {number} top
 * @param {number} waitEnd the end of the last wait, -Infinity without one
 */
function renderSummary(call, { x, right, now, unit }, top, waitEnd) {
  const { kind, sign, word, status } = outcomeOf(call.last);
  const duration = formatDuration((call.end ?? now) - call.start);
  const { length } = call.attempts;
  const single = `${kind === "open" ? "" : status} ${kind === "ok" ? "" : word}`.trim();
  const text = `${sign} ${length > 1 ? `${length} attempts` : single} ${kind === "ok" || length > 1 ? "in" : "after"} ${duration}`;
  const width = text.length * CHARACTER_WIDTH * unit;
  const after = Math.max(x(call.end ?? now), x(waitEnd), x(call.last.at) + MIN_BAR_WIDTH) + 8;
  const before = x(call.start) - 8;
  /** @param {string} anchor @param {number} position @param {string} [overlap] */
  const label = (anchor, position, overlap = "") =>
    svg("text", { class: `summary ${overlap}`, y: top + 11 * unit, "text-anchor": anchor, x: round(position) }, text);
  if (right - after > width) return label("start", after);
  return before > width ? label("end", before) : label("end", right, "overlap");
}

/**
 * Describe an attempt for screen readers and tooltips.
 * @param {StoredRequest} attempt
 * @param {number} number
 */
function describeAttempt(attempt, number) {
  const { word, status } = outcomeOf(attempt);
  const parts = [
    `Attempt ${number}: ${status} ${word}`.trim(),
    attempt.total_ms === null ? "" : `after ${formatDuration(attempt.total_ms)}`,
    attempt.frames_ms.length > 1 ? `${attempt.frames_ms.length} frames` : "",
    attempt.retry_after_ms === null ? "" : `Retry-After ${formatDuration(attempt.retry_after_ms)}`,
    attempt.fault ?? "",
  ];
  return parts.filter(Boolean).join(", ");
}

/** @param {number} pixels */
function round(pixels) {
  return Math.round(pixels * 10) / 10;
}
