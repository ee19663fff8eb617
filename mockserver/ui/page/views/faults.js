// The faults: a card for each kind, turned on and off with a click, for the requests chosen in the form.

import { createCallLanes } from "../components/call-lanes.js";
import { CallGroups } from "../data/call-groups.js";
import {
  DURATION_OPTIONS,
  FAULT_CARDS,
  buildRule,
  describeEffect,
  describeRemaining,
  describeScope,
  hasScope,
  isRuleOfCard,
  optionValue,
  ruleOrigin,
  withOptionValue,
} from "../data/fault-cards.js";
import { addFault, toggleFault } from "../data/fault-switch.js";
import { groupRetries } from "../data/retry-groups.js";
import { requestJson } from "../lib/api.js";
import { focusElement, focusedElement, h, setOptions, setText } from "../lib/dom.js";
import { createField, createSelect, createSuggestInput } from "../lib/form-field.js";
import { formatCount } from "../lib/format.js";
import { replaceQuery } from "../lib/hash-route.js";

/** @import { AppContext } from "../data/app-context.js" */
/** @import { FaultCard, FaultScope } from "../data/fault-cards.js" */
/** @import { FaultRule } from "../data/fault-rule-store.js" */
/** @import { VendorView } from "../data/request-builder.js" */
/** @import { StoredRequest } from "../data/request-store.js" */

/** @typedef {{rule: FaultRule, texts: string[]}} RuleRow */

const LATEST_CALLS = 5;
const LATEST_REQUESTS = 100; // among which these calls are

const RULE_COLUMNS = [
  ["effect", "Effect"],
  ["scope", "Requests"],
  ["remaining", "Duration"],
  ["applied", "Applied"],
  ["source", "Source"],
];

/** @param {AppContext} context */
export function createFaultsView(context) {
  const { rules } = context;
  const scopeForm = createScopeForm();
  const cards = FAULT_CARDS.map(createCard);
  const problem = h("p", { class: "note failed", role: "alert", "data-sign": "!", hidden: true });
  const tableBody = h("tbody");
  const rulePanel = h(
    "article",
    { class: "panel", "aria-label": "Fault rules" },
    h("header", {}, h("h2", {}, "Fault rules"), h("span", { class: "muted" }, "The first rule that matches a request applies.")),
    h(
      "table",
      { class: "listed" },
      h("thead", {}, h("tr", {}, [...RULE_COLUMNS.map(([, title]) => title), h("span", { class: "visually-hidden" }, "Action")].map((title) => h("th", { scope: "col" }, title)))),
      tableBody,
    ),
  );
  const lanes = createCallLanes(context, "Latest calls, newest first");
  const latest = h("article", { class: "latest-calls", "aria-label": "Latest calls" }, h("h2", {}, "Latest calls"), lanes.element);
  const element = h(
    "section",
    { class: "faults panels", "aria-label": "Faults" },
    scopeForm.element,
    problem,
    h("h2", { class: "visually-hidden" }, "Faults"),
    h("ul", { class: "cards" }, cards.map((card) => card.element)),
    latest,
    rulePanel,
  );
  /** @type {Record<string, VendorView>} */
  let vendors = {};
  let stamp = "";
  let suggestedSessions = "";
  const callGroups = new CallGroups(context.requestRender); // of the newest requests, whatever the filter
  /** @type {{requests: StoredRequest[], stamp: string, newest: StoredRequest[]}} */
  let affected = { requests: [], stamp: "", newest: [] };

  /**
   * @param {FaultCard} card
   */
  function createCard(card) {
    const { option, title } = card;
    /** @param {Event & {target: HTMLSelectElement}} event */
    const onchange = (event) => changeOption(card, event.target.value);
    const select = option && createSelect({ "aria-label": `${title}: ${option.label}`, onchange }, toOptions(option.values));
    const toggle = h("button", { type: "button", class: "toggle", onclick: () => toggleCard(card, select?.value) }, title);
    const state = h("p", { class: "card-state" });
    const also = h("button", { type: "button", class: "quiet also", onclick: () => attempt(() => addRule(card, select?.value)) });
    const cardElement = h(
      "li",
      { class: `card ${card.kind}` },
      h("span", { class: "sign", "aria-hidden": "true" }, card.sign),
      h("h3", {}, toggle),
      h("p", { class: "muted" }, card.text),
      h("div", { class: "foot" }, option && h("label", {}, option.label, select), also),
      state,
    );
    return { card, element: cardElement, toggle, state, also, select };
  }

  /**
   * Apply a new value of a card's option to the rules in force.
   * @param {FaultCard} card
   * @param {string} value
   */
  function changeOption(card, value) {
    const active = rules.active.filter((rule) => rule.scope !== "file" && isRuleOfCard(card, rule));
    return attempt(async () => {
      for (const rule of active) await rules.replace(rule, withOptionValue(card, rule, value));
      if (active.length) context.announce(`${card.title}: ${value}`);
    });
  }

  /** @returns {FaultScope} */
  function chosenScope() {
    const { vendor, session } = context.filter;
    const { model = "", duration = "" } = context.query;
    return { vendor, session, model, duration };
  }

  /**
   * @param {FaultCard} card
   * @param {string | undefined} value of its option
   */
  function toggleCard(card, value) {
    return attempt(() => toggleFault(context, card, value, chosenScope()));
  }

  /**
   * @param {FaultCard} card
   * @param {string | undefined} value of its option
   */
  function addRule(card, value) {
    return addFault(context, card, value, chosenScope());
  }

  /**
   * Make a change; show the error if it fails.
   * @param {() => Promise<unknown>} change
   */
  async function attempt(change) {
    problem.hidden = true;
    try {
      await change();
    } catch (error) {
      problem.hidden = false;
      setText(problem, error instanceof Error ? error.message : String(error));
    }
  }

  async function onShow() {
    vendors = (await requestJson("GET", "")).vendors;
    scopeForm.model.suggest([...new Set(Object.values(vendors).flatMap((vendor) => vendor.models))]);
    context.requestRender();
  }

  function render() {
    const scope = chosenScope();
    const vendorOptions = Object.entries(vendors).map(([name, { title }]) => [name, title]);
    setOptions(scopeForm.vendor, [["", "all vendors"], ...vendorOptions], scope.vendor);
    setInput(scopeForm.model.input, scope.model);
    setInput(scopeForm.session.input, scope.session);
    scopeForm.duration.value = scope.duration;
    const sessions = [...new Set(context.store.requests.map((request) => request.session))].sort();
    if (sessions.join() !== suggestedSessions) scopeForm.session.suggest(sessions);
    suggestedSessions = sessions.join();
    for (const card of cards) renderCard(card, scope);
    renderRules();
    return renderLatest(scope);
  }

  /**
   * Show the effect of the faults on the latest calls; return whether it changes with the time.
   * @param {FaultScope} scope
   */
  function renderLatest({ vendor, session }) {
    const { requests } = context.store;
    const scopeStamp = `${vendor}\n${session}`;
    if (affected.requests !== requests || affected.stamp !== scopeStamp) {
      const all = requests.filter((request) => (!vendor || request.vendor === vendor) && (!session || request.session === session));
      affected = { requests, stamp: scopeStamp, newest: all.slice(-LATEST_REQUESTS) };
    }
    const calls = groupRetries(affected.newest, callGroups.follow(affected.newest)).slice(-LATEST_CALLS).reverse();
    latest.hidden = !calls.length;
    return lanes.render(calls);
  }

  /**
   * @param {ReturnType<typeof createCard>} parts
   * @param {FaultScope} scope
   */
  function renderCard({ card, element: cardElement, toggle, state, also, select }, scope) {
    const own = rules.list.filter((rule) => isRuleOfCard(card, rule));
    const active = own.filter((rule) => !rules.isExpired(rule));
    toggle.setAttribute("aria-pressed", String(active.some((rule) => rule.scope !== "file")));
    cardElement.classList.toggle("on", active.length > 0);
    if (select && active.length && document.activeElement !== select) {
      setOptions(select, toOptions(card.option?.values ?? []), optionValue(card, active[0]));
    }
    const applied = own.reduce((sum, rule) => sum + rule.applied, 0);
    const text = active.length ? `On for ${active.map(describeScope).join("; ")}` : own.length ? "Expired" : "Off";
    setText(state, text + (own.length ? ` · applied ${formatCount(applied, "time")}` : ""));
    also.hidden = !active.length || active.some((rule) => hasScope(rule, scope));
    setText(also, `Also for ${describeScope({ definition: buildRule(card, "", scope), session: scope.session })}`);
  }

  function renderRules() {
    rulePanel.hidden = !rules.list.length;
    /** @type {RuleRow[]} */
    const rows = rules.list.map((rule) => ({
      rule,
      texts: [
        describeEffect(rule),
        describeScope(rule),
        describeRemaining(rule, rules.secondsLeft(rule)),
        String(rule.applied),
        ruleOrigin(rule),
      ],
    }));
    const current = rows.map(({ rule, texts }) => [rule.id, rule.session, ...texts].join("\t")).join("\n");
    if (current === stamp) return;
    stamp = current;
    const focused = focusedElement()?.dataset.rule;
    tableBody.replaceChildren(...rows.map(createRuleRow));
    if (focused) focusElement(tableBody.querySelector(`[data-rule="${CSS.escape(focused)}"]`));
  }

  /** @param {RuleRow} row */
  function createRuleRow({ rule, texts }) {
    const label = `Turn off ${texts[0]}, ${texts[1]}`;
    const off = h("button", { type: "button", "data-rule": rule.id, "aria-label": label, onclick: () => attempt(() => rules.remove([rule])) }, "Turn off");
    return h(
      "tr",
      { class: rules.isExpired(rule) ? "expired" : "" },
      texts.map((text, index) => h("td", { class: RULE_COLUMNS[index][0] }, text)),
      h("td", { class: "action" }, rule.scope === "file" ? h("span", { class: "muted" }, "fixed") : off),
    );
  }

  return { element, render, onShow };
}

/** @param {string[]} values */
function toOptions(values) {
  return values.map((value) => [value, value]);
}

/** Create the form with the requests that a fault applies to. */
function createScopeForm() {
  /** @param {string} name */
  const saveAs = (name) => (/** @type {any} */ event) => replaceQuery({ [name]: event.target.value.trim() });
  const vendor = h("select", { name: "vendor", onchange: saveAs("vendor") });
  // While typing: the notice about a session moves the cards, and must not do so under a pointer that is pressed.
  const model = createSuggestInput({ name: "model", placeholder: "all models, or o1-*", oninput: saveAs("model") });
  const session = createSuggestInput({ name: "session", placeholder: "all sessions", oninput: saveAs("session") });
  const duration = createSelect({ name: "duration", onchange: saveAs("duration") }, DURATION_OPTIONS);
  const element = h(
    "form",
    { class: "panel form-row", "aria-label": "Affected requests", onsubmit: (event) => event.preventDefault() },
    createField("Vendor", vendor),
    createField("Model", model.element),
    createField("Session", session.element),
    createField("Duration", duration),
  );
  return { element, vendor, model, session, duration };
}

/**
 * Set the value of an input, unless the user is typing in it.
 * @param {HTMLInputElement} input
 * @param {string} text
 */
function setInput(input, text) {
  if (document.activeElement !== input && input.value !== text) input.value = text;
}
