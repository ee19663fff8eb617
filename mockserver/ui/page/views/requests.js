// Every request in a row of its own, the newest first, as it arrives and as it ends.

import { groupRetries } from "../data/retry-groups.js";
import { h, setText } from "../lib/dom.js";
import { matchesFilter } from "../data/request-filter.js";
import { createEmptyState } from "../components/empty-state.js";
import { createOutcomeBadge } from "../components/outcome-badge.js";
import * as place from "../lib/hash-route.js";
import { createToolbar } from "../components/toolbar.js";
import { formatTime, formatDuration } from "../lib/format.js";

const MOST = 500; // rows
const AT_ONCE = 50; // of them are made in one drawing

// Class, heading, and what stands below it, of a request and its number among the attempts of its call; the outcome is
// drawn apart.
const COLUMNS = [
  ["time", "Time", (one) => formatTime(one.at)],
  ["outcome-of", "Status", null],
  ["session", "Session", (one) => one.session],
  ["vendor", "Vendor", (one) => one.vendor ?? "–"],
  ["model", "Model", (one) => one.model ?? "–"],
  ["stream", "Stream", (one) => (one.stream ? "stream" : "")],
  ["fixture", "Fixture", (one) => (one.rule ? `rule ${one.rule}` : (one.fixture ?? "–"))],
  ["first number", "First byte", (one) => formatDuration(one.first_byte_ms)],
  ["total number", "Total", (one) => formatDuration(one.total_ms)],
  ["attempt number", "Attempt", (_, number) => String(number)],
  ["user", "Message", (one) => one.user],
];

export function createRequestsView(context) {
  const bar = createToolbar(context);
  const rows = new Map(); // by id
  const body = h("tbody");
  const table = h(
    "table",
    {},
    h("caption", { class: "unseen" }, "Requests, the newest first"),
    h("thead", {}, h("tr", {}, COLUMNS.map(([name, title]) => h("th", { scope: "col", class: name }, title)))),
    body,
  );
  const empty = h("div");
  let known = { all: null, numbers: new Map() };
  const element = h("section", { "aria-label": "Requests" }, bar.element, h("div", { class: "requests" }, table), empty);

  function draw() {
    const all = context.requests();
    if (known.all !== all) known = { all, numbers: numbered(all) };
    const found = all.filter((one) => matchesFilter(one, context.filter));
    const shown = found.slice(-MOST).reverse();
    bar.draw(found.length, all);
    table.hidden = shown.length === 0;
    empty.replaceChildren(...(shown.length || !context.loaded ? [] : [createEmptyState(all.length)]));
    return lay(shown);
  }

  /** The rows in their order, each made once, touched only where its request has changed. True: there are more. */
  function lay(shown) {
    const kept = new Set(shown.map((one) => one.id));
    for (const [id, row] of rows) {
      if (kept.has(id)) continue;
      row.element.remove();
      rows.delete(id);
    }
    let next = body.firstElementChild;
    const most = rows.size + AT_ONCE;
    for (const one of shown) {
      if (!rows.has(one.id) && rows.size === most) return true;
      const row = rows.get(one.id) ?? made(one.id);
      if (row.element === next) next = next.nextElementSibling;
      else body.insertBefore(row.element, next);
      fill(row, one);
    }
    return false;
  }

  function made(id) {
    const link = h("a", {});
    const cells = COLUMNS.map(([name]) => h("td", { class: name }));
    cells[0].append(link);
    const row = { element: h("tr", { "data-id": id }, cells), cells, link, told: null };
    rows.set(id, row);
    return row;
  }

  function fill(row, one) {
    row.link.href = place.hashWith({ id: one.id });
    if (one.id === context.id) row.element.setAttribute("aria-current", "true");
    else row.element.removeAttribute("aria-current");
    if (row.told === one) return;
    row.told = one;
    COLUMNS.forEach(([, , text], index) => {
      if (text) setText(index ? row.cells[index] : row.link, text(one, known.numbers.get(one.id)));
    });
    row.cells[1].replaceChildren(createOutcomeBadge(one));
    row.cells[6].title = one.fixture ?? "";
    row.cells[10].title = one.user;
  }

  return { element, draw };
}

/** Which attempt of its call each request is, by its id. */
function numbered(all) {
  return new Map(groupRetries(all).flatMap(({ attempts }) => attempts.map((one, index) => [one.id, index + 1])));
}
