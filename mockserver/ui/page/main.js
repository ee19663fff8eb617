// The page: its views, what they share, and when they are drawn.
//
// A view is a module in views/: given the context, it makes `{element, draw}`. `draw` brings the element up to date with
// the context and says whether it wants to be called again because time passes; `shown` and `changed(what)` are called,
// where a view has them, when it comes into sight and when something was steered.

import { requestJson, onUnauthorized } from "./lib/api.js";
import { createFaultBanner } from "./components/fault-banner.js";
import { RequestStore } from "./data/request-store.js";
import { createRequestDetail } from "./components/request-detail.js";
import { h, setText } from "./lib/dom.js";
import { followEvents } from "./data/event-source.js";
import { parseFilter } from "./data/request-filter.js";
import { promptForToken } from "./components/token-dialog.js";
import { createRenderScheduler } from "./lib/render-scheduler.js";
import * as place from "./lib/hash-route.js";
import { FaultRuleStore } from "./data/fault-rule-store.js";
import { initTheme } from "./components/theme.js";
import { createAccountsView } from "./views/accounts.js";
import { createFaultsView } from "./views/faults.js";
import { createFixturesView } from "./views/fixtures.js";
import { createPlaygroundView } from "./views/playground.js";
import { createRequestsView } from "./views/requests.js";
import { createTimelineView } from "./views/timeline.js";

const VIEWS = [
  ["timeline", "Timeline", createTimelineView],
  ["requests", "Requests", createRequestsView],
  ["playground", "Playground", createPlaygroundView],
  ["faults", "Faults", createFaultsView],
  ["fixtures", "Fixtures", createFixturesView],
  ["accounts", "Accounts", createAccountsView],
];
const ENOUGH = 500; // requests of the journal that are read at first

const main = document.getElementById("content");
const live = document.getElementById("live");
const said = document.getElementById("said");
const links = new Map();
const views = new Map();
let link = "new";

const drawing = createRenderScheduler(draw);
const context = {
  book: new RequestStore(),
  filter: {},
  query: {},
  id: "",
  paused: null, // the requests that were there when the page was paused
  missed: 0,
  loaded: false, // whether the journal has been read
  ask: drawing,
  rules: new FaultRuleStore(drawing),
  requests: () => context.paused ?? context.book.requests,
  /** For whoever hears the page and does not see it. */
  say: (text) => setText(said, text),
  pause() {
    const { book } = context;
    context.paused = context.paused ? null : Object.assign(book.requests, { at: book.now() });
    context.missed = 0;
    context.ask();
  },
};

const beside = createRequestDetail(context, document.getElementById("detail"));
const alarm = createFaultBanner(document.getElementById("banner"), context);

function draw() {
  alarm.draw();
  const state = context.paused ? "paused" : link;
  if (live.dataset.state !== state) {
    live.dataset.state = state;
    setText(live, { new: "connecting", live: "live", lost: "reconnecting", paused: "paused" }[state]);
  }
  beside.draw();
  return views.get(context.view).draw() && !context.paused;
}

function go() {
  const { view, query } = place.parseHash(location.hash);
  if (!links.has(view)) {
    history.replaceState(null, "", place.formatHash(VIEWS[0][0], query));
    go();
    return;
  }
  Object.assign(context, { query, filter: parseFilter(query), id: query.id ?? "" });
  if (context.view !== view) show(view);
  for (const [name, element] of links) element.href = place.formatHash(name, context.filter);
  context.ask();
}

function show(view) {
  const [name, title, make] = VIEWS.find(([one]) => one === view);
  if (!views.has(name)) views.set(name, make(context));
  links.get(context.view)?.removeAttribute("aria-current");
  links.get(name).setAttribute("aria-current", "page");
  links.get(name).scrollIntoView({ block: "nearest", inline: "nearest" });
  context.view = name;
  document.title = `${title} · mockserver`;
  main.replaceChildren(views.get(name).element);
  main.scrollTop = 0;
  views.get(name).shown?.();
}

async function refresh() {
  // Before the journal is read, not after: the feed may be ahead of it by then.
  context.book.forget();
  const { requests: known } = await requestJson("GET", `/requests?limit=${ENOUGH}`);
  context.book.fill(known);
  context.loaded = true;
  context.rules.read();
  for (const view of views.values()) view.changed?.("all");
  context.ask();
}

function told(type, data) {
  if (type === "request") {
    context.book.put(data.request, true);
    if (data.moment === "arrived") context.missed += 1;
  } else if (data.what === "requests") {
    context.book.forget(data.session);
  }
  context.rules.told(type, data);
  for (const view of views.values()) view.changed?.(type === "request" ? type : data.what);
  context.ask();
}

function state(now) {
  link = now;
  context.ask();
}

for (const [name, title] of VIEWS) {
  links.set(name, h("a", { href: `#/${name}` }, title));
  document.getElementById("views").append(links.get(name));
}
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
initTheme(document.getElementById("theme"));
onUnauthorized(promptForToken);
addEventListener("hashchange", go);
go();
followEvents({ begun: refresh, told, state });
