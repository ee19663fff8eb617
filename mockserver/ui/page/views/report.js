// What the clients did wrong: the findings of the server's report, each with its requests.

import { createVerifyForm } from "../components/verify-form.js";
import { requestJson, sessionQuery } from "../lib/api.js";
import { h, setText } from "../lib/dom.js";
import { formatCount, formatDuration } from "../lib/format.js";
import { hashWith } from "../lib/hash-route.js";
import { createPoller } from "../lib/poller.js";

/** @import { AppContext } from "../data/app-context.js" */
/** @import { Finding } from "../data/finding-store.js" */

/** @typedef {{requests: number, calls: number, sessions: number, incomplete: string, findings: Finding[]}} Report */

const INTERVAL = 2000; // milliseconds between two reads
const MAX_LINKS = 4; // requests of a finding

/** @param {AppContext} context */
export function createReportView(context) {
  const summary = h("p", { role: "status" });
  const incomplete = h("p", { class: "note" });
  const rows = h("tbody");
  const table = h(
    "table",
    { class: "listed" },
    h("thead", {}, h("tr", {}, ["Severity", "Rule", "Finding", "Session", "Requests"].map((title) => h("th", { scope: "col" }, title)))),
    rows,
  );
  const panel = h("article", { class: "panel" }, h("header", {}, h("h2", {}, "Report")), incomplete, summary, table);
  const element = h("section", { class: "panels", "aria-label": "Report" }, panel, createVerifyForm(context));
  let session = "";
  const refresh = createPoller(async () => {
    session = context.filter.session;
    showReport(await requestJson("GET", `/report${sessionQuery(session)}`));
  }, INTERVAL);

  /** @param {Report} report */
  function showReport({ requests, calls, incomplete: note, findings }) {
    const errors = findings.filter((finding) => finding.severity === "error").length;
    const subject = `${formatCount(requests, "request")} in ${formatCount(calls, "call")}`;
    setText(summary, `${formatCount(errors, "error")} and ${findings.length - errors} advice about ${subject}`);
    setText(incomplete, note);
    incomplete.hidden = note === "";
    table.hidden = findings.length === 0;
    rows.replaceChildren(...findings.map(createRow));
  }

  function render() {
    if (session !== context.filter.session) refresh(true);
    return false;
  }

  /** @param {string} kind */
  function onChange(kind) {
    if (context.view === "report" && ["all", "request", "requests", "clock"].includes(kind)) refresh();
  }

  return { element, render, onShow: () => refresh(true), onChange };
}

/** @param {Finding} finding */
function createRow(finding) {
  const links = finding.requests.slice(0, MAX_LINKS).flatMap((id) => [h("a", { href: hashWith({ id }) }, id), " "]);
  const more = finding.requests.length > MAX_LINKS ? `and ${finding.requests.length - MAX_LINKS} more ` : "";
  const duration = finding.requests.length > 1 ? `in ${formatDuration(finding.seconds * 1000)}` : "";
  return h(
    "tr",
    { "data-rule": finding.rule },
    h("td", { class: "severity" }, finding.severity),
    h("td", { class: "name" }, finding.rule),
    h("td", {}, h("p", {}, finding.message), h("p", { class: "muted" }, finding.advice)),
    h("td", {}, finding.session),
    h("td", {}, links, more, duration),
  );
}
