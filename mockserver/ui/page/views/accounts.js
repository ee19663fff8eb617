// What each API key has left, in each session that it is used in; and the clock that its limits go by.

import { requestJson } from "../lib/api.js";
import { h, setText } from "../lib/dom.js";
import { createField } from "../lib/form-field.js";
import { createPoller } from "../lib/poller.js";
import { formatCount, baseName, formatDuration } from "../lib/format.js";

const TICK = 1000; // milliseconds between looks at a limit that is used
const STEPS = [["1m", "1 minute"], ["1h", "1 hour"], ["24h", "1 day"]];

export function createAccountsView(context) {
  let known = { accounts: [], clock: { ahead: 0 } };
  let waiting = null;
  let drawn = "";
  const read = createPoller(async () => {
    known = await requestJson("GET", `/accounts${whose(context.filter.session)}`);
    context.ask();
    clearTimeout(waiting);
    const used = known.accounts.some((one) => one.rate_limit.some((limit) => limit.used));
    if (used && context.view === "accounts") waiting = setTimeout(read, TICK);
  });

  const ahead = h("b");
  const steps = STEPS.map(([by, title]) => h("button", { type: "button", onclick: () => advance(by, title) }, `+ ${title}`));
  const time = h(
    "article",
    { class: "panel time", "aria-label": "Clock" },
    h("header", {}, h("h2", {}, "Clock"), h("span", {}, ahead), h("div", { class: "ends" }, steps)),
    h("p", { class: "soft" }, "Limits, and faults for a time, go by it. Move it on, and nobody has to wait."),
  );
  const refused = h("p", { class: "note failed", role: "alert", "data-sign": "!", hidden: true });
  const list = h("ul", { class: "purses", "aria-label": "Accounts" });
  const none = h("p", { class: "soft" }, "There is none: every key is welcome, and nothing is charged.");
  const element = h("section", { class: "panels", "aria-label": "Accounts" }, time, refused, list, none, adding());

  function adding() {
    const key = h("input", { name: "key", required: true, placeholder: "sk-poor", autocomplete: "off", spellcheck: "false" });
    const balance = h("input", { name: "balance", placeholder: "$0.50, or 5000 credits", autocomplete: "off" });
    const limit = h("input", { name: "limit", placeholder: "3/minute, or 10000 tokens/hour", autocomplete: "off" });
    return h(
      "form",
      { class: "panel", "aria-label": "Add an account", onsubmit: add },
      h("header", {}, h("h2", {}, "Add an account"), h("span", { class: "soft" }, "An API key with money or limits of its own.")),
      h("div", { class: "whom" }, createField("API key", key), createField("Balance", balance), createField("Rate limit", limit), h("div", { class: "go" }, h("button", { class: "main" }, "Add"))),
    );

    async function add(event) {
      event.preventDefault();
      const terms = { ...(balance.value.trim() && { balance: balance.value.trim() }), ...(limit.value.trim() && { rate_limit: limit.value.trim() }) };
      const done = await tried(() => put(key.value.trim(), terms, context.filter.session));
      if (done) event.target.reset();
    }
  }

  async function advance(by, title) {
    await tried(() => requestJson("POST", `/clock${whose(context.filter.session)}`, { advance: by }));
    context.say(`The clock is ${title} further`);
  }

  function put(name, terms, session) {
    return requestJson("PUT", `/accounts/${encodeURIComponent(name)}${whose(session)}`, terms);
  }

  async function tried(change) {
    refused.hidden = true;
    try {
      await change();
      await read();
      return true;
    } catch (error) {
      refused.hidden = false;
      setText(refused, error.message);
      return false;
    }
  }

  function draw() {
    if ((element.dataset.session ?? "") !== context.filter.session) {
      element.dataset.session = context.filter.session;
      read();
    }
    const { clock } = known;
    setText(ahead, clock.ahead ? `${formatDuration(clock.ahead * 1000)} ahead of the machine's` : "as the machine's");
    none.hidden = known.accounts.length > 0;
    list.hidden = !none.hidden;
    const now = JSON.stringify(known.accounts);
    if (now === drawn) return false;
    drawn = now;
    lay();
    return false;
  }

  /** Anew, with what somebody is writing, and where, kept. */
  function lay() {
    const active = document.activeElement;
    const focused = list.contains(active) ? active.dataset.act : "";
    const written = new Map([...list.querySelectorAll("input")].map((input) => [input.dataset.act, input.value]));
    list.replaceChildren(...known.accounts.map(purse));
    for (const input of list.querySelectorAll("input")) input.value = written.get(input.dataset.act) ?? input.value;
    if (focused) list.querySelector(`[data-act="${CSS.escape(focused)}"]`)?.focus();
  }

  function purse(one) {
    const act = (what) => `${what} ${one.id} ${one.session}`;
    const revoked = one.status === "revoked";
    const button = (what, title, change) =>
      h("button", { type: "button", class: "quiet", "data-act": act(what), "aria-label": `${title} ${one.key}`, onclick: () => tried(change) }, title);
    const unit = one.balance.credits === null ? "$5" : "5000 credits";
    const more = h("input", { value: unit, "data-act": act("more"), "aria-label": `Amount for ${one.key}`, autocomplete: "off" });
    const fill = h(
      "form",
      { class: "go", onsubmit: (event) => (event.preventDefault(), tried(() => put(one.id, { top_up: more.value.trim() }, one.session))) },
      more,
      h("button", { "data-act": act("fill"), "aria-label": `Top up ${one.key}` }, "Top up"),
    );
    return h(
      "li",
      { class: `panel purse ${revoked ? "refused" : ""}` },
      h(
        "header",
        {},
        h("h3", { class: "fixed" }, one.key),
        revoked && h("span", { class: "chip" }, "revoked"),
        h(
          "div",
          { class: "ends" },
          button("revoke", revoked ? "Reinstate" : "Revoke", () => put(one.id, { status: revoked ? "active" : "revoked" }, context.filter.session)),
          one.source === "runtime" && button("remove", "Remove", () => requestJson("DELETE", `/accounts/${one.id}${whose(context.filter.session)}`)),
        ),
      ),
      h("p", { class: `left ${isEmpty(one) ? "none" : ""}` }, money(one.balance)),
      h("p", { class: "soft" }, `$${one.spent.usd} spent on ${formatCount(one.spent.requests, "answer")}`),
      one.rate_limit.map(limit),
      one.forbidden.length > 0 && h("p", { class: "soft" }, `may not use ${one.forbidden.join(", ")}`),
      h("p", { class: "soft" }, one.session === one.id ? "without a session" : `session ${one.session}`, " · ", h("span", { title: one.source }, one.source === "runtime" ? "added while it runs" : baseName(one.source))),
      !one.balance.unlimited && fill,
    );
  }

  function changed(what) {
    if (context.view === "accounts" && what !== "faults" && what !== "requests") read();
  }

  return { element, draw, shown: read, changed };
}

function money({ usd, credits, unlimited }) {
  if (unlimited) return h("b", { class: "endless" }, "no end of money");
  return [h("b", {}, usd === null ? `${Number(credits).toLocaleString("en")} credits` : `$${usd}`), h("span", {}, "left")];
}

function isEmpty({ balance }) {
  return !balance.unlimited && Number(balance.usd ?? balance.credits) <= 0;
}

function limit({ limit: text, used, most, resets_in: wait }) {
  const said = `${used.toLocaleString("en")} of ${text}${used && wait ? `, all free in ${formatDuration(Math.ceil(wait) * 1000)}` : ""}`;
  return h("div", { class: `limit ${used >= most ? "limited" : ""}` }, h("span", {}, said), h("progress", { max: String(most), value: String(used), "aria-label": text }));
}

function whose(session) {
  return session ? `?session=${encodeURIComponent(session)}` : "";
}
