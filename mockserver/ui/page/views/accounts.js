// The accounts: the balance and limits of each API key, in each session that uses it, and the clock of the limits.

import { requestJson, sessionQuery } from "../lib/api.js";
import { focusElement, focusedElement, h, setText } from "../lib/dom.js";
import { createField } from "../lib/form-field.js";
import { baseName, formatCount, formatDuration } from "../lib/format.js";
import { createPoller } from "../lib/poller.js";

/** @import { AppContext } from "../data/app-context.js" */

/**
 * An account as the admin API lists it.
 * @typedef {object} AccountView
 * @property {string} id
 * @property {string} key masked
 * @property {string} name empty without one
 * @property {"active" | "revoked"} status
 * @property {Balance} balance
 * @property {{usd: string, requests: number}} spent
 * @property {Limit[]} rate_limit
 * @property {string[]} forbidden models
 * @property {string} session equal to `id` without a session
 * @property {string} source
 */

/** @typedef {{usd: string | null, credits: string | null, unlimited: boolean}} Balance */
/** @typedef {{limit: string, most: number, used: number, resets_in: number}} Limit */

const LIMIT_INTERVAL = 1000; // milliseconds between two reads of a limit that is in use
const CLOCK_STEPS = [["1m", "1 minute"], ["1h", "1 hour"], ["24h", "1 day"]];

/** @param {AppContext} context */
export function createAccountsView(context) {
  /** @type {{accounts: AccountView[], clock: {ahead: number}}} */
  let listing = { accounts: [], clock: { ahead: 0 } };
  let timer = 0;
  let stamp = "";
  const refresh = createPoller(async () => {
    listing = await requestJson("GET", `/accounts${sessionQuery(context.filter.session)}`);
    context.requestRender();
    clearTimeout(timer);
    const isInUse = listing.accounts.some((account) => account.rate_limit.some((limit) => limit.used));
    if (isInUse && context.view === "accounts") timer = window.setTimeout(refresh, LIMIT_INTERVAL);
  });

  const clockText = h("b");
  const steps = CLOCK_STEPS.map(([by, title]) => h("button", { type: "button", onclick: () => advanceClock(by, title) }, `+ ${title}`));
  const clockPanel = h(
    "article",
    { class: "panel clock", "aria-label": "Clock" },
    h("header", {}, h("h2", {}, "Clock"), h("span", {}, clockText), h("div", { class: "align-end" }, steps)),
    h("p", { class: "muted" }, "Rate limits and faults with a duration use this clock. Advance it instead of waiting."),
  );
  const problem = h("p", { class: "note failed", role: "alert", "data-sign": "!", hidden: true });
  const list = h("ul", { class: "accounts", "aria-label": "Accounts" });
  const empty = h("p", { class: "muted" }, "No accounts: every key is accepted, and nothing is charged.");
  const element = h("section", { class: "panels", "aria-label": "Accounts" }, clockPanel, problem, list, empty, createAddForm());

  function createAddForm() {
    const key = h("input", { name: "key", required: true, placeholder: "sk-test", autocomplete: "off", spellcheck: "false" });
    const name = h("input", { name: "name", placeholder: "optional", autocomplete: "off" });
    const balance = h("input", { name: "balance", placeholder: "$0.50, or 5000 credits", autocomplete: "off" });
    const limit = h("input", { name: "limit", placeholder: "3/minute, or 10000 tokens/hour", autocomplete: "off" });
    return h(
      "form",
      { class: "panel", "aria-label": "Add an account", onsubmit: add },
      h("header", {}, h("h2", {}, "Add an account"), h("span", { class: "muted" }, "An API key with its own balance or limits.")),
      h(
        "div",
        { class: "form-row" },
        createField("API key", key),
        createField("Name", name),
        createField("Balance", balance),
        createField("Rate limit", limit),
        h("div", { class: "buttons" }, h("button", { class: "primary" }, "Add")),
      ),
    );

    /** @param {Event & {target: HTMLFormElement}} event */
    async function add(event) {
      event.preventDefault();
      const given = { name: name.value.trim(), balance: balance.value.trim(), rate_limit: limit.value.trim() };
      const settings = Object.fromEntries(Object.entries(given).filter(([, value]) => value));
      const form = event.target;
      if (await attempt(() => putAccount(key.value.trim(), settings, context.filter.session))) form.reset();
    }
  }

  /**
   * @param {string} by
   * @param {string} title
   */
  async function advanceClock(by, title) {
    const query = sessionQuery(context.filter.session);
    if (await attempt(() => requestJson("POST", `/clock${query}`, { advance: by }))) context.announce(`Advanced the clock by ${title}`);
  }

  /**
   * @param {string} name key or id
   * @param {Record<string, string>} settings
   * @param {string} session
   */
  function putAccount(name, settings, session) {
    return requestJson("PUT", `/accounts/${encodeURIComponent(name)}${sessionQuery(session)}`, settings);
  }

  /**
   * Make a change and read again; show the error if it fails.
   * @param {() => Promise<unknown>} change
   */
  async function attempt(change) {
    problem.hidden = true;
    try {
      await change();
      await refresh(true);
      return true;
    } catch (error) {
      problem.hidden = false;
      setText(problem, error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  function render() {
    if ((element.dataset.session ?? "") !== context.filter.session) {
      element.dataset.session = context.filter.session;
      refresh(true);
    }
    const { accounts, clock } = listing;
    setText(clockText, clock.ahead ? `${formatDuration(clock.ahead * 1000)} ahead of the system clock` : "same as the system clock");
    empty.hidden = accounts.length > 0;
    list.hidden = !empty.hidden;
    const current = JSON.stringify(accounts);
    if (current !== stamp) renderList();
    stamp = current;
    return false;
  }

  /** Render all accounts; keep the focus and what the user is typing. */
  function renderList() {
    const focused = focusedElement()?.dataset.control;
    const values = new Map([...list.querySelectorAll("input")].map((input) => [input.dataset.control, input.value]));
    list.replaceChildren(...listing.accounts.map(createAccount));
    for (const input of list.querySelectorAll("input")) input.value = values.get(input.dataset.control) ?? input.value;
    if (focused) focusElement(list.querySelector(`[data-control="${CSS.escape(focused)}"]`));
  }

  /** @param {AccountView} account */
  function createAccount(account) {
    const { id, key, name, session, source, balance, spent, forbidden } = account;
    const isRuntime = source === "runtime";
    const isRevoked = account.status === "revoked";
    return h(
      "li",
      { class: `panel account ${isRevoked ? "refused" : ""}` },
      h(
        "header",
        {},
        h("h3", name ? {} : { class: "mono" }, name || key),
        isRevoked && h("span", { class: "chip" }, "revoked"),
        h(
          "div",
          { class: "align-end" },
          createButton(account, isRevoked ? "Reinstate" : "Revoke", () => putAccount(id, { status: isRevoked ? "active" : "revoked" }, context.filter.session)),
          isRuntime && createButton(account, "Remove", () => requestJson("DELETE", `/accounts/${id}${sessionQuery(context.filter.session)}`)),
        ),
      ),
      name && h("p", { class: "mono muted account-key" }, key),
      h("p", { class: `balance ${isEmpty(balance) ? "used-up" : ""}` }, formatBalance(balance)),
      h("p", { class: "muted" }, `$${spent.usd} spent on ${formatCount(spent.requests, "request")}`),
      account.rate_limit.map(createLimit),
      forbidden.length > 0 && h("p", { class: "muted" }, `forbidden models: ${forbidden.join(", ")}`),
      h("p", { class: "muted" }, session === id ? "without a session" : `session ${session}`, " · ", h("span", { title: source }, isRuntime ? "added at run time" : baseName(source))),
      !balance.unlimited && createTopUp(account),
    );
  }

  /**
   * @param {AccountView} account
   * @param {string} title
   * @param {() => Promise<unknown>} change
   */
  function createButton({ id, key, name, session }, title, change) {
    const control = `${title} ${id} ${session}`;
    return h("button", { type: "button", class: "quiet", "data-control": control, "aria-label": `${title} ${name || key}`, onclick: () => attempt(change) }, title);
  }

  /** @param {AccountView} account */
  function createTopUp({ id, key, name, session, balance }) {
    const amount = h("input", {
      value: balance.credits === null ? "$5" : "5000 credits",
      "data-control": `amount ${id} ${session}`,
      "aria-label": `Amount for ${name || key}`,
      autocomplete: "off",
    });
    /** @param {Event} event */
    function onSubmit(event) {
      event.preventDefault();
      attempt(() => putAccount(id, { top_up: amount.value.trim() }, session));
    }
    const button = h("button", { "data-control": `top-up ${id} ${session}`, "aria-label": `Top up ${name || key}` }, "Top up");
    return h("form", { class: "buttons", onsubmit: onSubmit }, amount, button);
  }

  /** @param {string} kind */
  function onChange(kind) {
    if (context.view === "accounts" && kind !== "faults" && kind !== "requests") refresh();
  }

  return { element, render, onShow: () => refresh(true), onChange };
}

/** @param {Balance} balance */
function formatBalance({ usd, credits, unlimited }) {
  if (unlimited) return h("b", { class: "unlimited" }, "unlimited balance");
  return [h("b", {}, usd === null ? `${Number(credits).toLocaleString("en")} credits` : `$${usd}`), h("span", {}, "left")];
}

/** @param {Balance} balance */
function isEmpty({ usd, credits, unlimited }) {
  return !unlimited && Number(usd ?? credits) <= 0;
}

/** @param {Limit} limit */
function createLimit({ limit: text, used, most, resets_in: seconds }) {
  const reset = used && seconds ? `, resets in ${formatDuration(Math.ceil(seconds) * 1000)}` : "";
  const usage = `${used.toLocaleString("en")} of ${text}${reset}`;
  const progress = h("progress", { max: String(most), value: String(used), "aria-label": text });
  return h("div", { class: `limit ${used >= most ? "limited" : ""}` }, h("span", {}, usage), progress);
}
