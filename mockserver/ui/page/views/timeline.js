// The picture that explains retries: each call a line, its attempts bars, the waits between them drawn and judged.

import { groupRetries } from "../data/retry-groups.js";
import { h, svg, setText } from "../lib/dom.js";
import { matchesFilter } from "../data/request-filter.js";
import { createEmptyState } from "../components/empty-state.js";
import { listOutcomes } from "../data/outcome.js";
import * as place from "../lib/hash-route.js";
import { axisTicks, axisLength } from "../lib/time-axis.js";
import { createToolbar } from "../components/toolbar.js";
import { LABEL_SPACE, chartHeight, renderAttempts } from "../components/attempt-chart.js";
import { formatTime, formatDuration } from "../lib/format.js";

const MOST = 60; // calls
const PAD = 8; // pixels at both ends of the axis
const LINGER = 2000; // milliseconds that a clock goes on when nothing happens
const SPANS = [0, 1e3, 5e3, 15e3, 60e3, 300e3];

export function createTimelineView(context) {
  const axis = choice("axis", "Time axis", [["", "from each call's start"], ["clock", "by the clock"]]);
  const length = choice("span", "Length of the time axis", SPANS.map((ms) => [ms ? String(ms) : "", ms ? formatDuration(ms) : "all that fits"]));
  const retries = h("input", {
    type: "checkbox",
    onchange: (event) => place.replaceQuery({ retries: event.target.checked ? "only" : "" }),
  });
  const bar = createToolbar(context, axis, length, h("label", {}, retries, "retries only"));
  const ruler = svg("svg", { class: "ruler", "aria-hidden": "true" });
  const list = h("ol", { class: "lanes", "aria-label": "Calls, the newest first" });
  const lanes = new Map(); // by the call's id
  const empty = h("div");
  const head = h("div", { class: "lane head" }, h("span", { class: "who soft" }, "Call"), ruler);
  const chart = h("div", { class: "chart" }, head, list, legend());
  const element = h("section", { class: "timeline", "aria-label": "Timeline" }, bar.element, chart, empty);
  let width = 0;
  let known = { version: -1, calls: [] };

  new ResizeObserver(([entry]) => {
    width = Math.floor(entry.contentRect.width);
    context.ask();
  }).observe(ruler);

  function draw() {
    axis.value = context.query.axis ?? "";
    length.value = context.query.span ?? "";
    retries.checked = context.query.retries === "only";
    const all = context.requests();
    if (known.all !== all) known = { all, calls: groupRetries(all) };
    const found = known.calls.filter((call) => wanted(call, context));
    bar.draw(found.length, all, "call");
    chart.hidden = found.length === 0;
    empty.replaceChildren(...(found.length || !context.loaded ? [] : [createEmptyState(all.length)]));
    if (!found.length || !width) return false;
    const now = context.paused ? context.paused.at : context.book.now();
    const shown = found.slice(-MOST).reverse();
    const window = frame(shown, now);
    mark(window);
    lay(shown, window, now);
    return shown.some((call) => call.end === null) || (window.clock && now < window.until);
  }

  /** From when to when the axis reaches; `of(call)` is the moment that stands at its left. */
  function frame(shown, now) {
    const wished = Number(context.query.span) || 0;
    if (context.query.axis !== "clock") {
      const longest = Math.max(...shown.map((call) => extent(call, now) - call.start));
      const room = width - 2 * PAD;
      return { length: wished || axisLength((longest * room) / (room - LABEL_SPACE)), of: (call) => call.start, from: 0, clock: false };
    }
    const last = Math.max(...shown.map((call) => call.end ?? now));
    const until = last + LINGER;
    const right = Math.min(now, until);
    const size = wished || Math.min(axisLength(right - Math.min(...shown.map((call) => call.start))), 60e3);
    return { length: size, of: () => right - size, clock: true, from: right - size, until };
  }

  function mark(window) {
    const inner = width - 2 * PAD;
    const { from, length: whole } = window;
    window.marks = axisTicks(from, whole, inner).map((at) => [PAD + ((at - from) / whole) * inner, at]);
    const text = (at) => (window.clock ? formatTime(at).slice(0, whole < 5000 ? undefined : -4) : at ? formatDuration(at) : "0");
    ruler.replaceChildren(
      ...window.marks.map(([x, at]) => {
        const anchor = x < 30 ? "start" : x > width - 30 ? "end" : "middle";
        return svg("text", { x: x < 30 ? 2 : x, y: 18, "text-anchor": anchor }, text(at));
      }),
    );
  }

  function lay(shown, window, now) {
    const kept = new Set(shown.map((call) => call.id));
    for (const [id, lane] of lanes) {
      if (kept.has(id)) continue;
      lane.element.remove();
      lanes.delete(id);
    }
    let next = list.firstElementChild;
    for (const call of shown) {
      const lane = lanes.get(call.id) ?? made(call);
      if (lane.element === next) next = next.nextElementSibling;
      else list.insertBefore(lane.element, next);
      fill(lane, call, window, now);
    }
  }

  function made(call) {
    const lane = { link: h("a"), model: h("span", { class: "soft" }), user: h("p", { class: "user soft clip" }) };
    lane.verdict = h("span");
    lane.picture = svg("svg");
    lane.track = h("div", { class: "track" }, lane.picture);
    const who = h("div", { class: "who" }, h("p", { class: "clip" }, lane.link, " ", lane.model), lane.user, lane.verdict);
    lane.element = h("li", { class: "lane", "data-id": call.id }, who, lane.track);
    lanes.set(call.id, lane);
    return lane;
  }

  function fill(lane, call, window, now) {
    const { last, verdict } = call;
    lane.link.href = place.hashWith({ id: last.id });
    lane.element.classList.toggle("current", call.attempts.some((one) => one.id === context.id));
    // What has ended looks the same until the axis does not, or one more attempt has come.
    const look = [window.length, window.of(call), width, call.attempts.length, last.end, location.hash].join();
    if (last.end !== null && lane.look === look) return;
    lane.look = look;
    setText(lane.link, last.session);
    setText(lane.model, [last.vendor ?? "no vendor", last.model].filter(Boolean).join(" · "));
    setText(lane.user, last.user || `${last.method} ${last.path}`);
    lane.user.title = last.user;
    lane.verdict.className = `verdict ${{ true: "good", false: "bad", null: "plain" }[verdict.good]}`;
    setText(lane.verdict, verdict.text);
    const inner = width - 2 * PAD;
    const x = (at) => PAD + ((at - window.of(call)) / window.length) * inner;
    lane.track.style.minHeight = `${chartHeight(call)}px`;
    lane.picture.replaceChildren(...flat(renderAttempts(call, { x, right: width - 4, now, marks: window.marks.map(([at]) => at) })));
  }

  return { element, draw };
}

/** Whether any attempt passes the filter; a call is shown whole. */
function wanted(call, { filter, query }) {
  return (query.retries !== "only" || call.attempts.length > 1) && call.attempts.some((one) => matchesFilter(one, filter));
}

/** Until when a call is drawn: its end, or that of the wait that it was asked for and that it did not keep. */
function extent(call, now) {
  return Math.max(call.end ?? now, ...call.waits.map((one) => one.from + Math.min(one.asked ?? 0, 60e3)));
}

function choice(field, label, options) {
  return h(
    "select",
    { "aria-label": label, onchange: (event) => place.replaceQuery({ [field]: event.target.value }) },
    options.map(([value, text]) => h("option", { value }, text)),
  );
}

function legend() {
  const of = listOutcomes().map(([kind, sign, word]) => h("li", {}, h("span", { class: `outcome ${kind}`, "data-sign": sign }, word)));
  const drawn = [
    ["▏▏▏", "frames of a stream"],
    ["┄┄", "a wait"],
    ["└─┘", "the wait that Retry-After asks for"],
  ].map(([sign, word]) => h("li", {}, h("b", { "aria-hidden": "true" }, sign), ` ${word}`));
  return h("ul", { class: "legend soft", "aria-label": "Legend" }, of, drawn);
}

function flat(children) {
  return children.flat(Infinity).filter(Boolean);
}
