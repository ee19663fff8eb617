// What goes wrong on purpose: a card for each way to fail, one click on and one click off, for the calls that are chosen.

import { requestJson } from "../lib/api.js";
import { setOptions, h, setText } from "../lib/dom.js";
import { FAULT_CARDS, DURATION_OPTIONS, describeEffect, hasScope, isRuleOfCard, ruleOrigin, describeRemaining, buildRule, describeScope } from "../data/fault-cards.js";
import { createField, createSelect, createSuggestInput } from "../lib/form-field.js";
import * as place from "../lib/hash-route.js";
import { formatCount } from "../lib/format.js";

export function createFaultsView(context) {
  const { rules } = context;
  const whom = chooser();
  const cards = FAULT_CARDS.map(made);
  const refused = h("p", { class: "note failed", role: "alert", "data-sign": "!", hidden: true });
  const list = h("tbody");
  const known = h(
    "article",
    { class: "panel", "aria-label": "Fault rules" },
    h("header", {}, h("h2", {}, "Fault rules"), h("span", { class: "soft" }, "The first that strikes decides.")),
    h(
      "table",
      { class: "listed" },
      h("thead", {}, h("tr", {}, ["What", "For", "How long", "Struck", "From", ""].map((title) => h("th", { scope: "col" }, title)))),
      list,
    ),
  );
  const element = h(
    "section",
    { class: "faults panels", "aria-label": "Faults" },
    whom.element,
    refused,
    h("ul", { class: "cards" }, cards.map((card) => card.element)),
    known,
  );
  let vendors = {};
  let stamp = "";
  let suggested = "";

  function chooser() {
    const settle = (name) => (event) => place.replaceQuery({ [name]: event.target.value.trim() });
    const vendor = h("select", { name: "vendor", onchange: settle("vendor") });
    const model = createSuggestInput({ name: "model", placeholder: "all models, or o1-*", onchange: settle("model") });
    const session = createSuggestInput({ name: "session", placeholder: "all sessions", onchange: settle("session") });
    const lasts = createSelect({ name: "lasts", onchange: settle("lasts") }, DURATION_OPTIONS);
    const part = (label, control) => createField(label, control);
    const element = h(
      "form",
      { class: "panel whom", "aria-label": "Whom it strikes", onsubmit: (event) => event.preventDefault() },
      part("Vendor", vendor),
      part("Model", model.element),
      part("Session", session.element),
      part("How long", lasts),
    );
    return { element, vendor, model, session, lasts };
  }

  function made(card) {
    const [, label, choices] = card.free ?? [];
    const choice = card.free && createSelect({ "aria-label": `${card.title}: ${label}` }, choices.map((one) => [one, one]));
    const toggle = h("button", { type: "button", class: "toggle", onclick: () => flip(card, choice?.value) }, card.title);
    const state = h("p", { class: "now" });
    const also = h("button", { type: "button", class: "quiet also", onclick: () => tried(() => add(card, choice?.value)) });
    const element = h(
      "li",
      { class: `card ${card.kind}` },
      h("span", { class: "sign", "aria-hidden": "true" }, card.sign),
      h("h3", {}, toggle),
      h("p", { class: "soft" }, card.text),
      h("div", { class: "foot" }, choice && h("label", {}, label, choice), also),
      state,
    );
    return { card, element, toggle, state, also };
  }

  /** The calls that are chosen. */
  function chosen() {
    const { vendor, session } = context.filter;
    const { model = "", lasts = "" } = context.query;
    return { vendor, session, model, lasts };
  }

  function flip(card, choice) {
    const mine = rules.list.filter((one) => one.scope !== "file" && isRuleOfCard(card, one));
    const on = mine.some((one) => !rules.isOver(one));
    return tried(async () => {
      await rules.drop(mine);
      if (!on) await add(card, choice);
      else context.say(`${card.title} is off`);
    });
  }

  async function add(card, choice) {
    const calls = chosen();
    await rules.lay(buildRule(card, choice, calls), calls.session);
    context.say(`${card.title} is on`);
  }

  async function tried(change) {
    refused.hidden = true;
    try {
      await change();
    } catch (error) {
      refused.hidden = false;
      setText(refused, error.message);
    }
  }

  async function shown() {
    vendors = (await requestJson("GET", "")).vendors;
    whom.model.suggest([...new Set(Object.values(vendors).flatMap((one) => one.models))]);
    context.ask();
  }

  function draw() {
    const calls = chosen();
    setOptions(whom.vendor, [["", "all vendors"], ...Object.entries(vendors).map(([name, { title }]) => [name, title])], calls.vendor);
    fill(whom.model.input, calls.model);
    fill(whom.session.input, calls.session);
    whom.lasts.value = calls.lasts;
    const sessions = [...new Set(context.book.requests.map((one) => one.session))].sort();
    if (sessions.join() !== suggested) whom.session.suggest(sessions);
    suggested = sessions.join();
    for (const card of cards) drawCard(card, calls);
    drawList();
    return false;
  }

  function drawCard({ card, element, toggle, state, also }, calls) {
    const mine = rules.list.filter((one) => isRuleOfCard(card, one));
    const on = mine.filter((one) => !rules.isOver(one));
    toggle.setAttribute("aria-pressed", String(on.some((one) => one.scope !== "file")));
    element.classList.toggle("on", on.length > 0);
    const struck = mine.reduce((sum, one) => sum + one.applied, 0);
    const where = on.length ? `On for ${on.map(describeScope).join("; ")}` : mine.length ? "Over" : "Off";
    setText(state, where + (mine.length ? ` · struck ${formatCount(struck, "time")}` : ""));
    also.hidden = !on.length || on.some((one) => hasScope(calls, one));
    setText(also, `Also for ${describeScope({ definition: { match: buildRule(card, "", calls).match }, session: calls.session })}`);
  }

  function drawList() {
    known.hidden = !rules.list.length;
    const told = rules.list.map((one) => [one, describeEffect(one), describeScope(one), describeRemaining(one, rules.left(one)), String(one.applied), ruleOrigin(one)]);
    const now = told.map(([one, ...texts]) => [one.id, one.session, ...texts].join("\t")).join("\n");
    if (now === stamp) return;
    stamp = now;
    const focused = document.activeElement?.dataset.rule;
    list.replaceChildren(...told.map(row));
    if (focused) list.querySelector(`[data-rule="${CSS.escape(focused)}"]`)?.focus();
  }

  function row([one, ...texts]) {
    const off = h("button", { type: "button", "data-rule": one.id, "aria-label": `${texts[0]}, ${texts[1]}: off`, onclick: () => tried(() => rules.drop([one])) }, "Off");
    const names = ["deed", "scope", "rest", "struck", "source"];
    return h(
      "tr",
      { class: rules.isOver(one) ? "over" : "" },
      texts.map((text, index) => h("td", { class: names[index] }, text)),
      h("td", { class: "act" }, one.scope === "file" ? h("span", { class: "soft" }, "stays") : off),
    );
  }

  return { element, draw, shown };
}

/** Not while somebody writes in it. */
function fill(input, text) {
  if (document.activeElement !== input && input.value !== text) input.value = text;
}
