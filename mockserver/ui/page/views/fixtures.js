// Every fixture in the order in which it is asked, what has become of it, and what is wrong with the files; one may be added.

import { requestJson, sendYaml } from "../lib/api.js";
import { h, setText } from "../lib/dom.js";
import { createField, createSelect } from "../lib/form-field.js";
import { createPoller } from "../lib/poller.js";
import * as place from "../lib/hash-route.js";
import { STATE_OPTIONS, describeMatch, fixtureOrigin, matchesFixtureFilter, describeResponse } from "../data/fixture-summary.js";
import { formatCount, baseName } from "../lib/format.js";

const MOST = 300; // rows
const EXAMPLE = "match: {user: weather}\nresponse: Sunny.\n";

export function createFixturesView(context) {
  let known = { fixtures: [], problems: [] };
  let version = 0;
  let drawn = "";
  const read = createPoller(async () => {
    const { session } = context.filter;
    known = await requestJson("GET", `/fixtures${whose(session)}`);
    version += 1;
    context.ask();
  });

  const search = h("input", {
    type: "search",
    placeholder: "Search",
    "aria-label": "Search in names, matches and answers",
    oninput: (event) => place.replaceQuery({ q: event.target.value }),
  });
  const state = createSelect({ "aria-label": "State", onchange: (event) => place.replaceQuery({ state: event.target.value }) }, STATE_OPTIONS);
  const told = h("span", { class: "count" });
  const bar = h("div", { class: "tools", role: "search", "aria-label": "Filter" }, search, state, h("div", { class: "ends" }, told));
  const broken = h("article", { class: "panel broken", "aria-label": "Mistakes in the files" });
  const rows = h("tbody");
  const list = h(
    "article",
    { class: "panel", "aria-label": "Fixtures" },
    h(
      "table",
      { class: "listed" },
      h("caption", { class: "unseen" }, "Fixtures, in the order in which they are asked"),
      h("thead", {}, h("tr", {}, ["Name", "Waits for", "Says", "Hits", "From", ""].map((title) => h("th", { scope: "col" }, title)))),
      rows,
    ),
    h("p", { class: "soft none" }, "None."),
  );
  const element = h(
    "section",
    { class: "fixtures", "aria-label": "Fixtures" },
    bar,
    h("div", { class: "panels" }, broken, list, adding(context)),
  );

  function draw() {
    const { session, q } = context.filter;
    const wanted = { q, state: context.query.state ?? "" };
    if (search.value !== q) search.value = q;
    state.value = wanted.state;
    const now = JSON.stringify([version, wanted]);
    if (session !== element.dataset.session) {
      element.dataset.session = session;
      read();
    }
    if (now !== drawn) lay(wanted);
    drawn = now;
    return false;
  }

  function lay(wanted) {
    const found = known.fixtures.filter((one) => matchesFixtureFilter(one, wanted));
    setText(told, `${formatCount(found.length, "fixture")}${found.length > MOST ? `, the first ${MOST} shown` : ""}`);
    list.classList.toggle("empty-list", !found.length);
    const focused = document.activeElement?.dataset.fixture;
    rows.replaceChildren(...found.slice(0, MOST).map(row));
    if (focused) rows.querySelector(`[data-fixture="${CSS.escape(focused)}"]`)?.focus();
    broken.hidden = !known.problems.length;
    broken.replaceChildren(
      h("header", {}, h("h2", {}, formatCount(known.problems.length, "mistake")), h("span", { class: "soft" }, "The last good fixtures are served until it is mended.")),
      h("ul", {}, known.problems.map(problem)),
    );
  }

  function row(one) {
    const remove = h("button", { type: "button", "data-fixture": one.name, "aria-label": `Remove ${one.name}`, onclick: () => gone(one) }, "Remove");
    return h(
      "tr",
      {},
      h("td", { class: "deed" }, one.name, " ", mark(one)),
      h("td", {}, describeMatch(one)),
      h("td", { class: "says" }, h("span", {}, describeResponse(one))),
      h("td", { class: "hits" }, one.never_used ? h("span", { class: "soft" }, "never") : one.hits.toLocaleString("en")),
      h("td", { class: "source", title: one.source }, fixtureOrigin(one)),
      h("td", { class: "act" }, one.scope !== "file" && remove),
    );
  }

  async function gone({ name, session }) {
    await requestJson("DELETE", `/fixtures/${encodeURIComponent(name)}${whose(session)}`);
    context.say(`${name} is removed`);
  }

  function changed(what) {
    if (context.view === "fixtures" && ["fixtures", "counters", "request", "all"].includes(what)) read();
  }

  return { element, draw, shown: read, changed };
}

function mark({ shadowed_by: by }) {
  return by !== null && h("span", { class: "chip limited" }, `shadowed by ${by}`);
}

function problem({ source, line, column, path, message }) {
  const at = line ? `${baseName(source)}:${line}:${column}` : baseName(source);
  return h("li", {}, h("span", { class: "fixed", title: source }, at), " ", h("b", {}, path), " ", message);
}

/** A fixture, or a whole file of them, as YAML; what is wrong with it is shown at its place. */
function adding(context) {
  const text = h("textarea", { rows: "8", class: "fixed", spellcheck: "false", oninput: () => wrong.replaceChildren() });
  const session = h("input", { type: "text", name: "for", placeholder: "all sessions", autocomplete: "off", spellcheck: "false" });
  const wrong = h("div", { class: "mistakes", role: "alert" });
  text.value = EXAMPLE;

  async function serve(event) {
    event.preventDefault();
    wrong.replaceChildren();
    try {
      const { fixtures: names } = await sendYaml("POST", `/fixtures${whose(session.value.trim())}`, text.value);
      context.say(`${names.join(", ")} is served`);
      text.value = EXAMPLE;
    } catch (error) {
      const problems = error.more?.problems ?? [];
      wrong.replaceChildren(...(problems.length ? problems : [{ message: error.message, line: 0 }]).map(mistake));
      if (problems[0]?.line) point(problems[0]);
    }
  }

  function mistake(one) {
    const { message, path, line, column } = one;
    if (!line) return h("p", { class: "note failed", "data-sign": "!" }, path ? `${path}: ${message}` : message);
    const shown = `${text.value.split("\n")[line - 1] ?? ""}\n${" ".repeat(Math.max(column - 1, 0))}^`;
    return h(
      "div",
      { class: "mistake" },
      h("button", { type: "button", class: "quiet", onclick: () => point(one) }, `Line ${line}`),
      h("span", {}, h("b", {}, path), " ", message),
      h("pre", {}, shown),
    );
  }

  /** Marks the line in the text. */
  function point({ line }) {
    const lines = text.value.split("\n");
    const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    text.focus();
    text.setSelectionRange(start, start + (lines[line - 1] ?? "").length);
  }

  return h(
    "form",
    { class: "panel adding", "aria-label": "Add a fixture", onsubmit: serve },
    h("header", {}, h("h2", {}, "Add a fixture"), h("span", { class: "soft" }, "It is asked before all others, until the server stops.")),
    createField("YAML: one fixture, a list of them, or a whole file", text),
    wrong,
    h("div", { class: "go" }, h("button", { class: "main" }, "Serve it"), createField("For the session", session)),
  );
}

function whose(session) {
  return session ? `?session=${encodeURIComponent(session)}` : "";
}
