// The fixtures in the order in which they are tried, their hits and the mistakes in their files; a form to add one.

import { STATE_OPTIONS, describeMatch, describeResponse, fixtureOrigin, matchesFixtureFilter } from "../data/fixture-summary.js";
import { ApiError, requestJson, sendYaml, sessionQuery } from "../lib/api.js";
import { focusElement, focusedElement, h, setText } from "../lib/dom.js";
import { createField, createSelect } from "../lib/form-field.js";
import { baseName, formatCount } from "../lib/format.js";
import { replaceQuery } from "../lib/hash-route.js";
import { createPoller } from "../lib/poller.js";

/** @import { Problem } from "../lib/api.js" */
/** @import { AppContext } from "../data/app-context.js" */
/** @import { FixtureFilter, FixtureView } from "../data/fixture-summary.js" */

const MAX_ROWS = 300;
const EXAMPLE = "match: {user: weather}\nresponse: Sunny.\n";
const COLUMNS = ["Name", "Matches", "Response", "Hits", "Source"];

/** @param {AppContext} context */
export function createFixturesView(context) {
  /** @type {{fixtures: FixtureView[], problems: Problem[]}} */
  let listing = { fixtures: [], problems: [] };
  let version = 0;
  let stamp = "";
  /** @type {FixtureView | null} */
  let removed = null; // the fixture whose removal can be undone
  const refresh = createPoller(async () => {
    listing = await requestJson("GET", `/fixtures${sessionQuery(context.filter.session)}`);
    version += 1;
    context.requestRender();
  });

  const search = h("input", {
    type: "search",
    placeholder: "Search",
    "aria-label": "Search in names, matches and responses",
    oninput: (event) => replaceQuery({ q: event.target.value }),
  });
  const state = createSelect({ "aria-label": "State", onchange: (event) => replaceQuery({ state: event.target.value }) }, STATE_OPTIONS);
  const count = h("span", { class: "count" });
  const undo = h("button", { type: "button", onclick: undoRemoval });
  const removal = h("span", { hidden: true }, undo);
  const toolbar = h("div", { class: "toolbar", role: "search", "aria-label": "Filter" }, search, state, h("div", { class: "align-end" }, removal, count));
  const problemPanel = h("article", { class: "panel file-problems", "aria-label": "Mistakes in files" });
  const tableBody = h("tbody");
  const list = h(
    "article",
    { class: "panel", "aria-label": "Fixtures" },
    h(
      "table",
      { class: "listed" },
      h("caption", { class: "visually-hidden" }, "Fixtures in the order in which they are tried"),
      h("thead", {}, h("tr", {}, [...COLUMNS, h("span", { class: "visually-hidden" }, "Action")].map((title) => h("th", { scope: "col" }, title)))),
      tableBody,
    ),
    h("p", { class: "muted empty-text" }, "No fixture matches the filter."),
  );
  const element = h(
    "section",
    { class: "fixtures", "aria-label": "Fixtures" },
    toolbar,
    h("div", { class: "panels" }, problemPanel, list, createAddForm(context)),
  );

  function render() {
    const { session, q } = context.filter;
    const filter = { q, state: context.query.state ?? "" };
    if (search.value !== q) search.value = q;
    state.value = filter.state;
    if (session !== element.dataset.session) {
      element.dataset.session = session;
      refresh(true);
    }
    const current = JSON.stringify([version, filter]);
    if (current !== stamp) renderList(filter);
    stamp = current;
    return false;
  }

  /** @param {FixtureFilter} filter */
  function renderList(filter) {
    const { fixtures, problems } = listing;
    const matching = fixtures.filter((fixture) => matchesFixtureFilter(fixture, filter));
    setText(count, `${formatCount(matching.length, "fixture")}${matching.length > MAX_ROWS ? `, the first ${MAX_ROWS} shown` : ""}`);
    list.classList.toggle("is-empty", !matching.length);
    const focused = focusedElement()?.dataset.fixture;
    tableBody.replaceChildren(...matching.slice(0, MAX_ROWS).map(createRow));
    if (focused) focusElement(tableBody.querySelector(`[data-fixture="${CSS.escape(focused)}"]`));
    problemPanel.hidden = !problems.length;
    problemPanel.replaceChildren(
      h("header", {}, h("h2", {}, formatCount(problems.length, "mistake")), h("span", { class: "muted" }, "The last valid fixtures stay in use until the file is corrected.")),
      h("ul", {}, problems.map(createFileProblem)),
    );
  }

  /** @param {FixtureView} fixture */
  function createRow(fixture) {
    const { name } = fixture;
    const remove = h("button", { type: "button", "data-fixture": name, "aria-label": `Remove ${name}`, onclick: () => removeFixture(fixture) }, "Remove");
    return h(
      "tr",
      {},
      h("td", { class: "name" }, name, " ", fixture.shadowed_by !== null && h("span", { class: "chip limited" }, `shadowed by ${fixture.shadowed_by}`)),
      h("td", {}, describeMatch(fixture)),
      h("td", { class: "response" }, h("span", {}, describeResponse(fixture))),
      h("td", { class: "hits" }, fixture.never_used ? h("span", { class: "muted" }, "never") : fixture.hits.toLocaleString("en")),
      h("td", { class: "source", title: fixture.source }, fixtureOrigin(fixture)),
      h("td", { class: "action" }, fixture.scope !== "file" && remove),
    );
  }

  /** @param {FixtureView} fixture */
  async function removeFixture(fixture) {
    const { name, session } = fixture;
    await requestJson("DELETE", `/fixtures/${encodeURIComponent(name)}${sessionQuery(session)}`);
    removed = fixture;
    // Beside the number of fixtures, because the list must not move under the pointer.
    setText(undo, `Undo the removal of ${name}`);
    removal.hidden = false;
    undo.focus();
    context.announce(`Removed ${name}`);
  }

  async function undoRemoval() {
    if (!removed) return;
    const { name, session } = removed;
    await requestJson("POST", `/fixtures/${encodeURIComponent(name)}/restore${sessionQuery(session)}`);
    removal.hidden = true;
    removed = null;
    search.focus();
    context.announce(`Restored ${name}`);
  }

  /** @param {string} kind */
  function onChange(kind) {
    if (context.view === "fixtures" && ["fixtures", "counters", "request", "all"].includes(kind)) refresh();
  }

  return { element, render, onShow: () => refresh(true), onChange };
}

/** @param {Problem} problem */
function createFileProblem({ source, line, column, path, message }) {
  const position = line ? `${baseName(source)}:${line}:${column}` : baseName(source);
  return h("li", {}, h("span", { class: "mono", title: source }, position), " ", h("b", {}, path), " ", message);
}

/**
 * Create the form that adds fixtures as YAML and shows mistakes at their position.
 * @param {AppContext} context
 */
function createAddForm(context) {
  const text = h("textarea", { rows: "8", class: "mono", spellcheck: "false", oninput: () => problemList.replaceChildren() });
  const session = h("input", { type: "text", name: "for", placeholder: "all sessions", autocomplete: "off", spellcheck: "false" });
  const problemList = h("div", { class: "problems", role: "alert" });
  text.value = EXAMPLE;

  /** @param {Event} event */
  async function add(event) {
    event.preventDefault();
    problemList.replaceChildren();
    try {
      const { fixtures: names } = await sendYaml("POST", `/fixtures${sessionQuery(session.value.trim())}`, text.value);
      context.announce(`Added ${names.join(", ")}`);
      text.value = EXAMPLE;
    } catch (error) {
      const problems = error instanceof ApiError ? error.problems : [];
      problemList.replaceChildren(...(problems.length ? problems.map(createProblem) : [createNote(String(error))]));
      if (problems[0]?.line) selectLine(problems[0].line);
    }
  }

  /** @param {Problem} problem */
  function createProblem({ message, path, line, column }) {
    if (!line) return createNote(path ? `${path}: ${message}` : message);
    const excerpt = `${text.value.split("\n")[line - 1] ?? ""}\n${" ".repeat(Math.max(column - 1, 0))}^`;
    return h(
      "div",
      { class: "problem-item" },
      h("button", { type: "button", class: "quiet", onclick: () => selectLine(line) }, `Line ${line}`),
      h("span", {}, h("b", {}, path), " ", message),
      h("pre", {}, excerpt),
    );
  }

  /** @param {string} message */
  function createNote(message) {
    return h("p", { class: "note failed", "data-sign": "!" }, message);
  }

  /** @param {number} line from 1 */
  function selectLine(line) {
    const lines = text.value.split("\n");
    const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    text.focus();
    text.setSelectionRange(start, start + (lines[line - 1] ?? "").length);
  }

  return h(
    "form",
    { class: "panel add-form", "aria-label": "Add a fixture", onsubmit: add },
    h("header", {}, h("h2", {}, "Add a fixture"), h("span", { class: "muted" }, "It takes precedence over all others until the server stops.")),
    createField("YAML: one fixture, a list of fixtures, or a whole file", text),
    problemList,
    h("div", { class: "buttons" }, createField("For session", session), h("button", { class: "primary" }, "Add")),
  );
}
