// The web UI: its views, the state that they share, and when they are rendered.
//
// A view is a module in views/ that exports a function from the context to a View.

import { createDemoNotice } from "./components/demo-notice.js";
import { createFaultBanner } from "./components/fault-banner.js";
import { createPageNotices } from "./components/page-notices.js";
import { createPlanStrip } from "./components/plan-strip.js";
import { createRequestDetail } from "./components/request-detail.js";
import { initSize } from "./components/size.js";
import { initTheme } from "./components/theme.js";
import { promptForToken } from "./components/token-dialog.js";
import { AppContext } from "./data/app-context.js";
import { followEvents } from "./data/event-source.js";
import { parseFilter } from "./data/request-filter.js";
import { onUnauthorized } from "./lib/api.js";
import { h, setText } from "./lib/dom.js";
import { formatHash, parseHash } from "./lib/hash-route.js";
import { createRenderScheduler } from "./lib/render-scheduler.js";
import { createAccountsView } from "./views/accounts.js";
import { createFaultsView } from "./views/faults.js";
import { createFixturesView } from "./views/fixtures.js";
import { createPlaygroundView } from "./views/playground.js";
import { createReportView } from "./views/report.js";
import { createRequestsView } from "./views/requests.js";
import { createTimelineView } from "./views/timeline.js";

/**
 * `render` updates the element from the context and returns true to be called again because its output depends on the
 * time. `onShow` is called when the view is opened, `onChange` with the kind of change when the server reports one.
 * @typedef {object} View
 * @property {HTMLElement} element
 * @property {() => boolean} render
 * @property {() => void} [onShow]
 * @property {(kind: string) => void} [onChange]
 */

/** @type {[string, string, (context: AppContext) => View][]} */
const VIEWS = [
  ["timeline", "Timeline", createTimelineView],
  ["report", "Report", createReportView],
  ["requests", "Requests", createRequestsView],
  ["playground", "Playground", createPlaygroundView],
  ["faults", "Faults", createFaultsView],
  ["fixtures", "Fixtures", createFixturesView],
  ["accounts", "Accounts", createAccountsView],
];
const STATE_TEXTS = { connecting: "connecting", live: "live", lost: "reconnecting", paused: "paused" };

const main = findElement("content");
const stateIndicator = findElement("live");
const announcer = findElement("announcer");
/** @type {Map<string, HTMLAnchorElement>} */
const links = new Map();
/** @type {Map<string, View>} */
const views = new Map();
/** @type {"connecting" | "live" | "lost"} */
let connection = "connecting";

const context = new AppContext(createRenderScheduler(render), (text) => setText(announcer, text));
const detail = createRequestDetail(findElement("detail"), context);
const banner = createFaultBanner(findElement("banner"), context);
const notices = createPageNotices(findElement("notices"), context);
const demoNotice = createDemoNotice(findElement("notices"), context);
const planStrip = createPlanStrip(findElement("notices"), context);

/** @param {string} id */
function findElement(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no element #${id}`);
  return element;
}

/** @returns {boolean} */
function render() {
  banner.render();
  demoNotice.render();
  planStrip.render();
  notices.render(connection);
  const state = context.paused ? "paused" : connection;
  if (stateIndicator.dataset.state !== state) {
    stateIndicator.dataset.state = state;
    setText(stateIndicator, STATE_TEXTS[state]);
  }
  detail.render();
  const isMoving = views.get(context.view)?.render() ?? false;
  return isMoving && !context.paused;
}

function applyHash() {
  const { view, query } = parseHash(location.hash);
  if (!links.has(view)) {
    history.replaceState(null, "", formatHash(VIEWS[0][0], query));
    applyHash();
    return;
  }
  context.query = query;
  context.filter = parseFilter(query);
  context.requestId = query.id ?? "";
  context.list.select(context.filter, query.before);
  if (context.view !== view) showView(view);
  for (const [name, link] of links) link.href = formatHash(name, context.filter);
  context.requestRender();
}

/** @param {string} name */
function showView(name) {
  const [, title, create] = VIEWS.find(([candidate]) => candidate === name) ?? VIEWS[0];
  const view = views.get(name) ?? create(context);
  views.set(name, view);
  links.get(context.view)?.removeAttribute("aria-current");
  links.get(name)?.setAttribute("aria-current", "page");
  links.get(name)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  context.view = name;
  document.title = `${title} · mockserver`;
  main.replaceChildren(view.element);
  main.scrollTop = 0;
  view.onShow?.();
}

async function loadJournal() {
  await context.list.readAll();
  context.rules.refresh();
  context.plan.refresh();
  context.demo.refresh();
  notifyViews("all");
}

/**
 * Handle an event of the feed: a request in a new state, or a change on the server.
 * @param {string} type
 * @param {any} data
 */
function handleEvent(type, data) {
  if (type === "request") {
    context.list.put(data.request);
    if (data.moment === "arrived") context.missed += 1;
  } else if (data.what === "requests") {
    context.list.clear(data.session);
  }
  context.rules.handleEvent(type, data);
  context.plan.handleEvent(type, data);
  context.demo.handleEvent(type, data);
  notifyViews(type === "request" ? type : data.what);
}

/** @param {string} kind */
function notifyViews(kind) {
  for (const view of views.values()) view.onChange?.(kind);
  context.requestRender();
}

/** @param {"live" | "lost"} state */
function setConnection(state) {
  connection = state;
  context.requestRender();
}

for (const [name, title] of VIEWS) {
  const link = h("a", { href: `#/${name}` }, title);
  links.set(name, link);
  findElement("views").append(link);
}
main.addEventListener("scroll", () => context.requestRender(), { passive: true });
findElement("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
initTheme(findElement("theme"));
initSize(/** @type {HTMLButtonElement} */ (findElement("size")), context.requestRender);
onUnauthorized(promptForToken);
// The views handle the errors that they expect; any other action that fails is reported here.
addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  notices.showProblem(event.reason);
});
addEventListener("hashchange", applyHash);
applyHash();
followEvents({ onReset: loadJournal, onEvent: handleEvent, onState: setConnection });
