// The playground's response: its content and times, what the OpenAI SDK does with it, its headers and raw body.

import { describeSource } from "../data/answer-source.js";
import { h, setText } from "../lib/dom.js";
import { formatCount, formatDuration } from "../lib/format.js";
import { formatHash } from "../lib/hash-route.js";
import { prettyJson } from "../lib/json.js";
import { createOutcomeBadge } from "./outcome-badge.js";

/** @import { LiveResponse } from "../data/stream-reader.js" */
/** @import { VendorView } from "../data/request-builder.js" */
/** @import { RequestView } from "../data/request-store.js" */

/**
 * What the admin API expects of a request; `error` is set if it could not tell.
 * @typedef {object} Explanation
 * @property {string} [error]
 * @property {string | null} [fixture]
 * @property {string | null} [source]
 * @property {RequestView["outcome"]} [outcome]
 * @property {string | null} [reason]
 * @property {string | null} [fault]
 * @property {{exception: string | null, text: string} | null} [openai]
 */

/**
 * Create the panel; `render` updates it.
 * @param {HTMLElement} results of repeated requests
 */
export function createResponsePanel(results) {
  const status = h("span");
  const times = h("span", { class: "times" });
  const link = h("a", { class: "mono" });
  const content = h("div", { class: "response-content", "aria-live": "off" });
  const notes = h("div", { class: "notes" });
  const sdkOutcome = h("p", { class: "sdk-outcome unknown" });
  const facts = h("dl", { class: "pairs" });
  const headers = h("dl", { class: "pairs mono" });
  const types = h("ol", { class: "mono" });
  const events = h("details", { open: true, hidden: true }, h("summary", {}, "Events"), types);
  const raw = h("pre", { class: "code", tabindex: "0", role: "group", "aria-label": "Body" });
  /** @type {[string, string][] | null} */
  let listedHeaders = null;
  const element = h(
    "div",
    { class: "stack" },
    h(
      "article",
      { class: "panel", "aria-label": "Response" },
      h("header", {}, h("h2", {}, "Response"), status, times, h("span", { class: "align-end" }, link)),
      content,
      notes,
    ),
    results,
    h("article", { class: "panel", "aria-label": "OpenAI SDK" }, h("header", {}, h("h3", {}, "In the OpenAI SDK")), sdkOutcome, facts),
    h(
      "article",
      { class: "panel", "aria-label": "Raw response" },
      h("details", { open: true }, h("summary", {}, "Headers"), headers),
      events,
      h("details", {}, h("summary", {}, "Raw body"), raw),
    ),
  );

  /**
   * @param {LiveResponse | null} response
   * @param {Explanation | null} explanation
   * @param {VendorView} vendor
   */
  function render(response, explanation, vendor) {
    renderResponse(response);
    renderExplanation(explanation, vendor);
  }

  /** @param {LiveResponse | null} response */
  function renderResponse(response) {
    content.classList.toggle("open", response?.ended === null);
    if (!response) {
      content.replaceChildren(h("p", { class: "muted" }, "Send a request to see its response here as it arrives. Ctrl+Enter sends, too."));
      return;
    }
    status.replaceChildren(createOutcomeBadge(response));
    times.replaceChildren(...createTimes(response));
    const id = new Map(response.headers).get("x-mock-request-id");
    link.hidden = !id;
    setText(link, id ?? "");
    link.href = formatHash("requests", { id });
    content.replaceChildren(...createContent(response));
    const kind = response.ended === "left" ? "left" : "failed";
    notes.replaceChildren(...response.notes.map((note) => h("p", { class: `note ${kind}`, "data-sign": "!" }, note)));
    if (listedHeaders !== response.headers) headers.replaceChildren(...createPairs(response.headers));
    listedHeaders = response.headers;
    events.hidden = !response.types.length;
    renderTypes(response.types);
    setText(raw, response.raw);
  }

  /** @param {LiveResponse["types"]} list */
  function renderTypes(list) {
    const texts = list.map(([type, count]) => (count > 1 ? `${type} × ${count}` : type));
    while (types.childElementCount > texts.length) types.lastElementChild?.remove();
    for (const [index, text] of texts.entries()) setText(types.children[index] ?? types.appendChild(h("li")), text);
  }

  /**
   * @param {Explanation | null} explanation
   * @param {VendorView} vendor
   */
  function renderExplanation(explanation, vendor) {
    const { kind, text } = describeSdkOutcome(explanation, vendor);
    sdkOutcome.className = `sdk-outcome ${kind}`;
    setText(sdkOutcome, text);
    const { fixture, source, reason, fault, outcome } = explanation ?? {};
    const answer = fixture ? `fixture ${fixture} (${source})` : outcome && describeSource({ rule: null, fixture: null, outcome });
    /** @type {[string, string | null | undefined][]} */
    const known = [["answer", answer], ["reason", reason], ["fault", fault]];
    facts.replaceChildren(...createPairs(known.flatMap(([name, value]) => (value ? [[name, value]] : []))));
  }

  return { element, render };
}

/**
 * @param {Explanation | null} explanation
 * @param {VendorView} vendor
 */
function describeSdkOutcome(explanation, vendor) {
  if (!explanation) return { kind: "unknown", text: "Shown when you send a request." };
  if (explanation.error) return { kind: "unknown", text: explanation.error };
  const { openai } = explanation;
  if (openai) return { kind: openai.exception ? "exception" : "none", text: openai.text };
  const text = vendor.openai
    ? "Not known: the SDK was not tested with this response."
    : `The OpenAI SDK cannot be used with ${vendor.title}: its path is ${vendor.chat}.`;
  return { kind: "unknown", text };
}

/**
 * @param {LiveResponse} response
 * @returns {(Node | string)[]}
 */
function createTimes({ first_byte_ms, first_token_ms, total_ms, isStream, events, sent }) {
  /** @type {[string, number | null][]} */
  const times = [["first byte ", first_byte_ms], ["first token ", first_token_ms], ["total ", total_ms]];
  const parts = times.filter(([, ms]) => ms !== null).map(([label, ms]) => [label, h("b", {}, formatDuration(ms))]);
  if (isStream) parts.push([h("b", {}, formatCount(sent ?? events, "event")), sent === null ? "" : " sent"]);
  return parts.flatMap((part, index) => (index ? [" · ", ...part] : part));
}

/**
 * @param {LiveResponse} response
 * @returns {HTMLElement[]}
 */
function createContent({ choices, status, raw, ended, isStream }) {
  /** @type {HTMLElement[]} */
  const parts = [];
  for (const { reasoning_content: reasoning, content: text, tool_calls } of choices.filter(Boolean)) {
    const calls = tool_calls.map(({ function: { name, arguments: json } }) => `\n${name} ${json}`).join("");
    if (reasoning) parts.push(h("p", { class: "reasoning" }, reasoning));
    if (text) parts.push(h("p", {}, text));
    if (calls) parts.push(h("pre", {}, calls.trim()));
  }
  if (parts.length) return parts;
  if (ended !== null && raw && !isStream && status >= 400) return [h("pre", {}, prettyJson(raw))];
  return [h("p", { class: "muted" }, ended === null ? "" : "No content.")];
}

/** @param {string[][]} entries */
function createPairs(entries) {
  return entries.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
}
