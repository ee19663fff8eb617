// One call as a drawing: its attempts as bars on a time axis, the waits between them, the frames of streams as ticks.

import { svg } from "../lib/dom.js";
import { outcomeOf } from "../data/outcome.js";
import { hashWith } from "../lib/hash-route.js";
import { formatDuration } from "../lib/format.js";

const BAR = 14; // pixels high
const LEAST = 3; // pixels wide, so that the quickest attempt is seen
const LETTER = 6.1; // pixels, of the small type in here
const KINDS = { ignored: "bad", "at once": "bad", honoured: "good", waited: "plain" };

export const LABEL_SPACE = 130; // pixels after the last bar that its words need

/** Pixels high: a call that was tried again has its waits below. */
export function chartHeight(call) {
  return call.attempts.length > 1 ? 60 : 46;
}

/** The shapes of a call. `x` takes a moment to pixels, `right` is where they end, `marks` are grid lines. */
export function renderAttempts(call, { x, right, now, marks }) {
  const many = call.attempts.length > 1;
  const top = many ? 19 : 16;
  const bars = call.attempts.map((one, index) => bar(one, told(one, index + 1), { x, now, top }));
  const above = many ? labels(call.attempts, x, right) : [];
  const between = call.waits.map((one) => gap(one, x, top + BAR / 2));
  return [
    svg("path", { class: "grid", d: marks.map((at) => `M${round(at)} 0V999`).join("") }),
    between,
    many && asks(call.waits, x, top + BAR + 7, right),
    bars,
    above,
    ending(call, x, now, top, right),
  ];
}

function bar(one, words, { x, now, top }) {
  const { kind } = outcomeOf(one);
  const from = x(one.at);
  const to = Math.max(x(one.end ?? now), from + LEAST);
  const first = one.first_byte_ms === null ? to : Math.min(x(one.at + one.first_byte_ms), to);
  const streams = one.frames_ms.length > 1;
  const body = { y: top, height: BAR, rx: 2 };
  return svg(
    "a",
    { href: hashWith({ id: one.id }), class: `bar ${kind}${streams ? " streams" : ""}`, "aria-label": words },
    svg("title", {}, words),
    // Larger than what is seen, so that it can be hit.
    svg("rect", { class: "reach", x: from - 3, y: top - 5, width: to - from + 6, height: BAR + 10 }),
    svg("rect", { class: "whole", x: round(from), width: round(to - from), ...body }),
    streams && svg("rect", { class: "silence", x: round(from), width: round(first - from), ...body }),
    streams && svg("path", { class: "ticks", d: ticks(one, x, to, top) }),
    ["cut", "left"].includes(kind) && svg("path", { class: "torn", d: torn(to, top) }),
  );
}

/** Frames that would stand on the same pixel are one tick. */
function ticks(one, x, to, top) {
  const at = new Set(one.frames_ms.map((ms) => Math.round(x(one.at + ms)) + 0.5));
  return [...at].filter((moment) => moment <= to + 1).map((moment) => `M${moment} ${top + 2}v${BAR - 4}`).join("");
}

function torn(to, top) {
  return `M${round(to)} ${top - 4}l3 4.5l-5 4l5 4.5l-5 4.5l3 4.5`;
}

/** The wait itself: a line from one attempt to the next. */
function gap(wait, x, y) {
  return svg("line", { class: `gap ${KINDS[wait.manner]}`, x1: round(x(wait.from)), x2: round(x(wait.to)), y1: y, y2: y });
}

/** Below the waits: how long they were; where a time was asked for, that as a length too, to be seen beside them. */
function asks(between, x, y, right) {
  let free = -Infinity;
  const drawn = between.map((wait, index) => {
    const from = x(wait.from);
    const asked = wait.asked === null ? 0 : x(wait.from + wait.asked) - from;
    const room = Math.min(Math.max(x(wait.to) - from, asked), right - from);
    const text = words(wait).find((one) => one.length * LETTER <= room);
    const fits = text && from >= free;
    if (fits) free = from + text.length * LETTER + 6;
    const middle = { x: round(from + room / 2), "text-anchor": "middle" };
    // Those that overlap, because nobody kept them, stand a little below each other.
    const low = y + (index % 3) * 2.5;
    return [
      asked > 0 && svg("path", { class: "asked", d: `M${round(from)} ${low - 3}v3h${round(asked)}v-3` }),
      fits && svg("text", { class: `waited ${KINDS[wait.manner]}`, y: y + 15, ...(asked ? { x: round(from) } : middle) }, text),
    ];
  });
  return free === -Infinity ? [drawn, together(between, x(between[0].from), y)] : drawn;
}

/** All waits in a word, where none has room for its own. */
function together(between, from, y) {
  const times = between.map((one) => one.waited);
  const [least, most] = [formatDuration(Math.min(...times)), formatDuration(Math.max(...times))];
  const kind = KINDS[between.find((one) => KINDS[one.manner] === "bad")?.manner ?? between[0].manner];
  const text = least === most ? `waits ${least}` : `waits ${least} to ${most}`;
  return svg("text", { class: `waited ${kind}`, x: round(from), y: y + 15 }, text);
}

function words({ waited, asked, manner }) {
  if (asked === null) return [`waits ${formatDuration(waited)}`, formatDuration(waited)];
  const sign = manner === "honoured" ? "✓" : "✕";
  return [
    `${sign} asked for ${formatDuration(asked)}, waits ${formatDuration(waited)}`,
    `${sign} asked ${formatDuration(asked)}, waits ${formatDuration(waited)}`,
    `${sign} ${formatDuration(waited)} of ${formatDuration(asked)}`,
  ];
}

/** The statuses above the bars, where there is room for them. */
function labels(attempts, x, right) {
  let free = -Infinity;
  return attempts.map((one) => {
    const { kind, status, sign } = outcomeOf(one);
    const text = kind === "cut" || kind === "spoiled" ? `${status} ${sign}` : status;
    const from = x(one.at);
    if (!text || from < free || from > right - 10) return null;
    free = from + text.length * 6.6 + 5;
    return svg("text", { class: `status ${kind}`, x: round(from), y: 11 }, text);
  });
}

/** After the last bar, or where the axis ends too soon for that before the first: what the call came to. */
function ending(call, x, now, top, right) {
  const { kind, sign, word, status } = outcomeOf(call.last);
  const took = formatDuration((call.end ?? now) - call.start);
  const tries = call.attempts.length;
  const came = tries > 1 ? `${tries} attempts` : `${kind === "open" ? "" : status} ${kind === "ok" ? "" : word}`.trim();
  const text = `${sign} ${came} ${kind === "ok" || tries > 1 ? "in" : "after"} ${took}`;
  const end = Math.max(x(call.end ?? now), x(call.last.at) + LEAST) + 8;
  const long = text.length * LETTER;
  const before = x(call.start) - 8;
  const place = right - end > long ? ["start", end] : before > long ? ["end", before] : ["end", right];
  const over = place[1] === right ? "over" : "";
  return svg("text", { class: `ending ${over}`, y: top + 11, "text-anchor": place[0], x: round(place[1]) }, text);
}

/** A bar in words. */
function told(one, number) {
  const { word, status } = outcomeOf(one);
  const parts = [
    `Attempt ${number}: ${status} ${word}`.trim(),
    one.total_ms === null ? "" : `after ${formatDuration(one.total_ms)}`,
    one.frames_ms.length > 1 ? `${one.frames_ms.length} frames` : "",
    one.retry_after_ms === null ? "" : `asked to wait ${formatDuration(one.retry_after_ms)}`,
    one.fault ?? "",
  ];
  return parts.filter(Boolean).join(", ");
}

function round(pixels) {
  return Math.round(pixels * 10) / 10;
}
