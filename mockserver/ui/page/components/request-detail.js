// One request beside the view: what was said, what went over the wire, why it was answered so, and what to do with it.

import { resolveUrl, requestJson } from "../lib/api.js";
import { diffMatch } from "../data/match-diff.js";
import { copyText } from "../lib/copy-button.js";
import { openFixtureDialog } from "./fixture-dialog.js";
import { h, setText } from "../lib/dom.js";
import { hashWith, replaceQuery } from "../lib/hash-route.js";
import * as snippet from "../data/code-snippets.js";
import { errorMessage, buildConversation, prettyJson } from "../data/conversation.js";
import { createOutcomeBadge } from "./outcome-badge.js";
import { formatTime, formatCount, formatDuration } from "../lib/format.js";

const TABS = [
  ["conversation", "Conversation", talk],
  ["wire", "Request and response", wire],
  ["match", "Match", match],
];

/** `element` is where it stands; `draw()` brings it up to date with the context. */
export function createRequestDetail(context, element) {
  let shown = ""; // the id of the request that is shown
  let story = null;
  let tab = TABS[0][0];
  let opener = null; // where the focus was, and is to be again

  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) close();
  });

  function draw() {
    if (context.id !== shown) {
      if (!shown) opener = document.activeElement;
      shown = context.id;
      story = null;
      if (shown) load(shown);
      else hide();
    } else if (story && story.ended === null && context.book.known.get(shown)?.ended) {
      story = { ...story, ended: "" }; // asked for once
      load(shown);
    }
  }

  async function load(id) {
    const first = story === null;
    try {
      const [told, vendors] = await Promise.all([requestJson("GET", `/requests/${id}`), access()]);
      if (id !== shown) return;
      story = told;
      fill(h("h2", { tabindex: "-1" }, createOutcomeBadge(told)), body(told, vendors));
    } catch (error) {
      if (id === shown) fill(h("h2", { tabindex: "-1" }, "It is gone"), [h("p", { class: "soft" }, error.message)]);
    }
    if (first) element.querySelector("h2")?.focus();
  }

  function fill(heading, children) {
    const shut = h("button", { type: "button", class: "quiet", "aria-label": "Close", onclick: close }, "✕");
    element.replaceChildren(h("header", {}, heading, shut), ...children);
    element.hidden = false;
  }

  function hide() {
    element.hidden = true;
    element.replaceChildren();
    if (opener?.isConnected) opener.focus();
    opener = null;
  }

  function close() {
    replaceQuery({ id: "" });
  }

  function body(told, vendors) {
    const chosen = h("div", { class: "sheet", role: "tabpanel", tabindex: "0" });
    const tabs = TABS.map(([name, title]) =>
      h("button", { type: "button", role: "tab", "data-tab": name, onclick: () => turn(name) }, title),
    );
    function turn(name) {
      tab = name;
      for (const one of tabs) {
        const is = one.dataset.tab === name;
        one.setAttribute("aria-selected", String(is));
        one.tabIndex = is ? 0 : -1;
        if (is) chosen.setAttribute("aria-label", one.textContent);
      }
      const [, , make] = TABS.find(([one]) => one === name);
      chosen.replaceChildren(...make(told));
    }
    function step(event) {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by) return;
      const next = tabs[(tabs.indexOf(event.target) + by + tabs.length) % tabs.length];
      turn(next.dataset.tab);
      next.focus();
    }
    turn(tab);
    return [facts(told), actions(context, told, vendors), h("div", { class: "tabs", role: "tablist", onkeydown: step }, tabs), chosen];
  }

  return { draw };
}

function facts(told) {
  const known = [
    ["asked", `${told.method} ${told.path}`],
    ["of", [told.vendor ?? "no vendor", told.model].filter(Boolean).join(" · ")],
    ["session", told.session],
    ["at", formatTime(Date.parse(told.arrived))],
    ["first byte", told.first_byte_ms === null ? "" : formatDuration(told.first_byte_ms)],
    ["total", told.total_ms === null ? "still open" : `${formatDuration(told.total_ms)}, ${formatCount(told.bytes, "byte")}`],
    ["attempt", told.attempt ? `${told.attempt + 1}, as the client counts` : ""],
    ["fixture", told.fixture ?? (told.vendor ? "none matched" : "")],
    ["fault rule", told.rule ?? ""],
    ["fault", told.fault ?? ""],
    ["asked to wait", told.retry_after_ms === null ? "" : formatDuration(told.retry_after_ms)],
    ["why", told.reason ?? ""],
  ];
  return h("dl", { class: "pairs" }, known.filter(([, value]) => value).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

function actions(context, told, vendors) {
  const button = (text, act) => h("button", { type: "button", onclick: (event) => act(event.target) }, text);
  return h(
    "div",
    { class: "actions" },
    button("Copy as curl", (at) => copyText(context, at, told.curl)),
    told.vendor && button("Copy as Python", (at) => copyText(context, at, python(told, vendors[told.vendor]))),
    button("Replay", async () => {
      const again = await requestJson("POST", `/requests/${told.id}/replay`);
      context.say(`Asked again: ${again.status}`);
      location.hash = hashWith({ id: again.id });
    }),
    told.vendor && told.response && button("Make a fixture", () => openFixtureDialog(context, told)),
  );
}

/** The same request for Python, with a key for whoever runs it to fill in. */
function python(told, vendor) {
  const more = { "x-mock-session": told.session };
  if (vendor.openai && told.path.startsWith(vendor.openai)) {
    return snippet.openaiSnippet({ base: resolveUrl(told.vendor + vendor.openai), key: "any-key", body: told.request.body, more });
  }
  const key = vendor.key_scheme ? `${vendor.key_scheme} any-key` : "any-key";
  return snippet.requestsSnippet({
    url: resolveUrl(told.vendor + told.path),
    headers: { [vendor.key_header]: key, ...more },
    body: told.request.body,
  });
}

function talk(told) {
  const error = errorMessage(told.response);
  const turns = buildConversation(told).map((one) =>
    h(
      "li",
      { class: `turn ${one.role}` },
      h("h3", {}, one.role, one.name && h("span", { class: "soft" }, ` ${one.name}`)),
      one.reasoning && h("p", { class: "thought" }, one.reasoning),
      one.images.map((url) => (url.startsWith("data:image/") ? h("img", { src: url, alt: "An image of the request" }) : h("p", { class: "fixed" }, url))),
      one.text && h("p", {}, one.text),
      one.calls.map((call) => h("pre", { class: "code" }, `${call.name}(${call.arguments})`)),
    ),
  );
  const whole = turns.length ? h("ol", { class: "talk" }, turns) : h("p", { class: "soft" }, "Nothing that a conversation could be made of.");
  return [whole, error && h("p", { class: "note failed", "data-sign": "✕" }, error)].filter(Boolean);
}

function wire(told) {
  const { request, response } = told;
  const parts = [h("h3", {}, "Request"), headers(request.headers), code("Body of the request", prettyJson(request.body ?? ""))];
  if (!response) return [...parts, h("h3", {}, "Response"), h("p", { class: "soft" }, "Nothing was decided yet.")];
  parts.push(h("h3", {}, response.status ? `Response ${response.status}` : "Response: no status was heard"), headers(response.headers));
  if (response.events) return [...parts, events(response.events)];
  return [...parts, code("Body of the response", prettyJson(response.body))];
}

function headers(told) {
  const pairs = Object.entries(told).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
  return h("details", {}, h("summary", {}, formatCount(pairs.length, "header")), h("dl", { class: "pairs fixed" }, pairs));
}

function code(label, text) {
  return h("pre", { class: "code", tabindex: "0", "aria-label": label }, text);
}

function events(all) {
  const row = ({ at_ms, data }) => h("li", {}, h("span", { class: "soft number" }, at_ms === null ? "–" : formatDuration(at_ms)), h("code", {}, data));
  return h("ol", { class: "events", "aria-label": formatCount(all.length, "event") }, all.map(row));
}

/** The fixtures that came near, each with its fields: those that held, and those that did not. */
function match(told) {
  const [own, near] = ["The fixture that matched", "Fixtures that did not"].map((label) => h("ol", { class: "near", "aria-label": label }));
  compareAll(told, own, near);
  const what = told.fixture ? "Asked before that, and why they did not match:" : "These came nearest:";
  return [
    h("p", { class: "soft" }, told.fixture ? "It matched" : "No fixture matched."),
    own,
    told.near_misses.length > 0 && h("p", { class: "soft" }, what),
    near,
  ].filter(Boolean);
}

async function compareAll(told, own, near) {
  const { fixtures } = await requestJson("GET", `/fixtures?session=${encodeURIComponent(told.session)}`);
  const written = new Map(fixtures.map((one) => [one.name, one]));
  const known = written.get(told.fixture);
  if (known) own.replaceChildren(fields(known.name, known.source, diffMatch(known.definition?.match, [])));
  near.replaceChildren(
    ...told.near_misses.map(({ fixture, source, differences }) =>
      fields(fixture, source, diffMatch(written.get(fixture)?.definition?.match, differences)),
    ),
  );
}

function fields(name, source, rows) {
  const all = rows.length ? h("ul", {}, rows.map(line)) : h("p", { class: "soft" }, "matches everything");
  return h("li", { "data-fixture": name }, h("h3", {}, name, h("span", { class: "soft" }, ` ${source}`)), all);
}

function line({ field, holds, expected, found }) {
  const text = holds ? [h("code", {}, expected)] : ["expected ", h("code", {}, expected), ", found ", h("code", {}, found)];
  const said = h("span", { class: "unseen" }, holds ? "holds: " : "differs: ");
  return h("li", { class: `outcome-line ${holds ? "ok" : "failed"}`, "data-sign": holds ? "✓" : "✕" }, said, h("b", {}, field), " ", text);
}

let known = null; // how vendors are reached does not change while a server runs
async function access() {
  known ??= (await requestJson("GET", "")).vendors;
  return known;
}
