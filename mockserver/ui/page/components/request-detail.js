// The panel with one request in detail: its conversation, what was sent and received, how it was matched, and actions.

import { describeSource, explainMissingFixture } from "../data/answer-source.js";
import { pythonSnippet } from "../data/code-snippets.js";
import { buildConversation, describeUsage, errorMessage, firstTokenMs } from "../data/conversation.js";
import { diffMatch } from "../data/match-diff.js";
import { requestJson, sessionQuery } from "../lib/api.js";
import { copyText } from "../lib/copy-button.js";
import { focusElement, focusedElement, h } from "../lib/dom.js";
import { formatCount, formatDuration, formatTime } from "../lib/format.js";
import { hashWith, replaceQuery } from "../lib/hash-route.js";
import { prettyJson } from "../lib/json.js";
import { createAttemptNav } from "./attempt-nav.js";
import { createFindingList } from "./finding-list.js";
import { openFixtureDialog } from "./fixture-dialog.js";
import { createOutcomeBadge } from "./outcome-badge.js";

/** @import { AppContext } from "../data/app-context.js" */
/** @import { RequestDetail } from "../data/conversation.js" */
/** @import { FixtureView } from "../data/fixture-summary.js" */
/** @import { FieldResult } from "../data/match-diff.js" */
/** @import { VendorView } from "../data/request-builder.js" */

/** @type {[string, string, (detail: RequestDetail) => HTMLElement[]][]} */
const TABS = [
  ["conversation", "Conversation", renderConversation],
  ["http", "Request and response", renderHttp],
  ["match", "Match", renderMatch],
];

/** @type {Record<string, VendorView> | null} */
let vendors = null; // they do not change while a server runs

/**
 * Fill an element with the panel; `render` updates it.
 * @param {HTMLElement} element
 * @param {AppContext} context
 */
export function createRequestDetail(element, context) {
  let shownId = "";
  /** @type {RequestDetail | null} */
  let detail = null;
  let tab = TABS[0][0];
  /** @type {HTMLElement | SVGElement | null} */
  let opener = null; // gets the focus again when the panel is closed

  const attempts = createAttemptNav(context);
  const findings = createFindingList(context);

  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) close();
  });

  function render() {
    if (context.requestId) attempts.render(context.requestId);
    if (context.requestId) findings.render(context.requestId);
    if (context.requestId !== shownId) {
      if (!shownId) opener = focusedElement();
      const previousId = shownId;
      shownId = context.requestId;
      detail = null;
      if (shownId) load(shownId);
      else hide(previousId);
    } else if (detail?.ended === null && context.store.byId.get(shownId)?.ended) {
      detail = { ...detail, ended: "" }; // so that it is read again only once
      load(shownId);
    }
  }

  /** @param {string} id */
  async function load(id) {
    const isFirst = detail === null;
    try {
      const [loaded, known] = await Promise.all([requestJson("GET", `/requests/${id}`), loadVendors()]);
      if (id !== shownId) return;
      detail = loaded;
      fill(h("h2", { tabindex: "-1" }, createOutcomeBadge(loaded)), createBody(loaded, known));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (id === shownId) fill(h("h2", { tabindex: "-1" }, "Request not found"), [h("p", { class: "muted" }, message)]);
    }
    if (isFirst) element.querySelector("h2")?.focus();
  }

  /**
   * @param {HTMLElement} heading
   * @param {HTMLElement[]} children
   */
  function fill(heading, children) {
    const closeButton = h("button", { type: "button", class: "quiet", "aria-label": "Close", onclick: close }, "✕");
    element.replaceChildren(h("header", {}, heading, closeButton), attempts.element, findings.element, ...children);
    element.hidden = false;
  }

  /** @param {string} id of the request that was shown */
  function hide(id) {
    element.hidden = true;
    // A link that was drawn again is another element.
    const link = document.querySelector(`main a[data-request="${CSS.escape(id)}"]`);
    focusElement(link ?? (opener?.isConnected && opener !== document.body ? opener : document.querySelector("main")));
    element.replaceChildren();
    opener = null;
  }

  function close() {
    replaceQuery({ id: "" });
  }

  /**
   * @param {RequestDetail} request
   * @param {Record<string, VendorView>} known
   */
  function createBody(request, known) {
    const panel = h("div", { class: "tab-panel", role: "tabpanel", tabindex: "0" });
    const tabs = TABS.map(([name, title]) =>
      h("button", { type: "button", role: "tab", "data-tab": name, onclick: () => select(name) }, title),
    );

    /** @param {string | undefined} name */
    function select(name) {
      const [selected, title, renderTab] = TABS.find(([candidate]) => candidate === name) ?? TABS[0];
      tab = selected;
      for (const button of tabs) {
        const isSelected = button.dataset.tab === selected;
        button.setAttribute("aria-selected", String(isSelected));
        button.tabIndex = isSelected ? 0 : -1;
      }
      panel.setAttribute("aria-label", title);
      panel.replaceChildren(...renderTab(request));
    }

    /** @param {KeyboardEvent & {target: HTMLButtonElement}} event */
    function onKeydown(event) {
      const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
      if (!step) return;
      const next = tabs[(tabs.indexOf(event.target) + step + tabs.length) % tabs.length];
      select(next.dataset.tab);
      next.focus();
    }

    if (request.bodies_dropped) {
      const note = "The journal has dropped the bodies of this request and its answer, to stay within its bounds.";
      return [createFacts(request), h("p", { class: "note" }, note)];
    }
    select(tab);
    const tabList = h("div", { class: "tabs", role: "tablist", onkeydown: onKeydown }, tabs);
    return [createFacts(request), createActions(context, request, known), tabList, panel];
  }

  return { render };
}

async function loadVendors() {
  vendors ??= (await requestJson("GET", "")).vendors;
  return /** @type {Record<string, VendorView>} */ (vendors);
}

/** @param {RequestDetail} request */
function createFacts(request) {
  const { query } = request.request;
  const facts = [
    ["request", `${request.method} ${request.path}${query && `?${query}`}`],
    ["vendor", [request.vendor ?? "none", request.model].filter(Boolean).join(" · ")],
    ["session", request.session],
    ["time", formatTime(Date.parse(request.arrived))],
    ["first byte", formatDuration(request.first_byte_ms)],
    ["first token", formatDuration(firstTokenMs(request.response))],
    ["total", request.total_ms === null ? "still open" : `${formatDuration(request.total_ms)}, ${formatCount(request.bytes, "byte")}`],
    ["attempt", request.attempt ? `${request.attempt + 1}, by the client's own count` : ""],
    ["answer", request.fixture ? `fixture ${request.fixture}` : describeSource({ ...request, rule: null, nearest: null })],
    ["nearest", request.nearest ? `fixture ${request.nearest}` : ""],
    ["tokens", describeUsage(request.response)],
    ["cost", Number(request.charged?.usd) ? `$${request.charged?.usd}` : ""],
    ["fault rule", request.rule ?? ""],
    ["fault", request.fault ?? ""],
    ["Retry-After", formatDuration(request.retry_after_ms)],
    ["reason", request.reason ?? ""],
  ];
  return h("dl", { class: "pairs" }, facts.filter(([, value]) => value).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

/**
 * @param {AppContext} context
 * @param {RequestDetail} request
 * @param {Record<string, VendorView>} known
 */
function createActions(context, request, known) {
  /**
   * @param {string} text
   * @param {(button: HTMLButtonElement) => void} onClick
   */
  const button = (text, onClick) => h("button", { type: "button", onclick: (event) => onClick(event.target) }, text);
  const { vendor } = request;
  return h(
    "div",
    { class: "actions" },
    button("Copy as curl", (target) => copyText(context.announce, target, request.curl)),
    vendor && button("Copy as Python", (target) => copyText(context.announce, target, pythonSnippet(request, vendor, known[vendor]))),
    button("Replay", async () => {
      const replayed = await requestJson("POST", `/requests/${request.id}/replay`);
      context.announce(`Replayed: ${replayed.status}`);
      location.hash = hashWith({ id: replayed.id });
    }),
    vendor && request.response && button("Make a fixture", () => openFixtureDialog(context, request)),
  );
}

/** @param {RequestDetail} request */
function renderConversation(request) {
  const error = errorMessage(request.response);
  const messages = buildConversation(request).map((message) =>
    h(
      "li",
      { class: `message ${message.role}` },
      h("h3", {}, message.role, message.name && h("span", { class: "muted" }, ` ${message.name}`)),
      message.reasoning && h("p", { class: "reasoning" }, message.reasoning),
      message.images.map(createImage),
      message.text && h("p", {}, message.text),
      message.toolCalls.map((call) => h("pre", { class: "code" }, `${call.name}(${call.arguments})`)),
    ),
  );
  const conversation = messages.length
    ? h("ol", { class: "conversation" }, messages)
    : h("p", { class: "muted" }, "This request has no messages.");
  return error ? [conversation, h("p", { class: "note failed", "data-sign": "✕" }, error)] : [conversation];
}

/**
 * Show an image of the request itself, and only the URL of an image elsewhere.
 * @param {string} url
 */
function createImage(url) {
  return url.startsWith("data:image/") ? h("img", { src: url, alt: "Image in the request" }) : h("p", { class: "mono" }, url);
}

/** @param {RequestDetail} detail */
function renderHttp({ request, response }) {
  const parts = [h("h3", {}, "Request"), createHeaders(request.headers), createCode("Request body", prettyJson(request.body ?? ""))];
  if (!response) return [...parts, h("h3", {}, "Response"), h("p", { class: "muted" }, "No response yet.")];
  parts.push(h("h3", {}, response.status ? `Response ${response.status}` : "Response: no status line received"), createHeaders(response.headers));
  parts.push(response.events ? createEvents(response.events) : createCode("Response body", prettyJson(response.body ?? "")));
  return parts;
}

/** @param {Record<string, string>} headers */
function createHeaders(headers) {
  const pairs = Object.entries(headers).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
  return h("details", {}, h("summary", {}, formatCount(pairs.length, "header")), h("dl", { class: "pairs mono" }, pairs));
}

/**
 * @param {string} label
 * @param {string} text
 * @returns {HTMLElement}
 */
function createCode(label, text) {
  return h("pre", { class: "code", tabindex: "0", role: "group", "aria-label": label }, text);
}

/** @param {{at_ms: number | null, data: string}[]} events */
function createEvents(events) {
  const rows = events.map(({ at_ms: time, data }) =>
    h("li", {}, h("span", { class: "muted number" }, time === null ? "–" : formatDuration(time)), h("code", {}, data)),
  );
  return h("ol", { class: "events", "aria-label": formatCount(events.length, "event") }, rows);
}

/** @param {RequestDetail} request */
function renderMatch(request) {
  const matched = h("ol", { class: "matches", "aria-label": "The fixture that matched" });
  const nearMisses = h("ol", { class: "matches", "aria-label": "Fixtures that did not match" });
  fillMatches(request, matched, nearMisses);
  const parts = [h("p", { class: "muted" }, request.fixture ? "Matched fixture:" : explainMissingFixture(request)), matched];
  if (request.near_misses.length > 0) {
    parts.push(h("p", { class: "muted" }, request.fixture ? "Fixtures before it, and why they did not match:" : "Near misses:"));
  }
  return [...parts, nearMisses];
}

/**
 * @param {RequestDetail} request
 * @param {HTMLElement} matched
 * @param {HTMLElement} nearMisses
 */
async function fillMatches(request, matched, nearMisses) {
  /** @type {{fixtures: FixtureView[]}} */
  const { fixtures } = await requestJson("GET", `/fixtures${sessionQuery(request.session)}`);
  const byName = new Map(fixtures.map((fixture) => [fixture.name, fixture]));
  const own = byName.get(request.fixture ?? "");
  if (own) matched.replaceChildren(createFixture(own.name, own.source, diffMatch(own.definition?.match, [])));
  nearMisses.replaceChildren(
    ...request.near_misses.map(({ fixture, source, differences }) =>
      createFixture(fixture, source, diffMatch(byName.get(fixture)?.definition?.match, differences)),
    ),
  );
}

/**
 * @param {string} name
 * @param {string} source
 * @param {FieldResult[]} results
 */
function createFixture(name, source, results) {
  const fields = results.length ? h("ul", {}, results.map(createFieldResult)) : h("p", { class: "muted" }, "matches any request");
  return h("li", { "data-fixture": name }, h("h3", {}, name, h("span", { class: "muted" }, ` ${source}`)), fields);
}

/** @param {FieldResult} result */
function createFieldResult({ field, isMatched, expected, found }) {
  const text = isMatched ? [h("code", {}, expected)] : ["expected ", h("code", {}, expected), ", found ", h("code", {}, found)];
  const spoken = h("span", { class: "visually-hidden" }, isMatched ? "matched: " : "not matched: ");
  return h("li", { class: `field-result ${isMatched ? "ok" : "failed"}`, "data-sign": isMatched ? "✓" : "✕" }, spoken, h("b", {}, field), " ", text);
}
