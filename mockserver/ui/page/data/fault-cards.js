// The cards of the faults view: the fault rule that each card adds, and short descriptions of fault rules.

import { baseName, formatCount, formatDuration } from "../lib/format.js";

/** @import { FaultRule } from "./fault-rule-store.js" */

/**
 * `fixed` is the fixed part of the card's rule; `option` names one more property of it, with a label and the values to
 * choose from.
 * @typedef {object} FaultCard
 * @property {string} sign
 * @property {string} title
 * @property {string} kind
 * @property {string} text
 * @property {Record<string, string | number>} fixed
 * @property {{property: string, label: string, values: string[]}} [option]
 */

/**
 * The requests that a rule applies to, and for how long.
 * @typedef {{vendor: string, model: string, session: string, duration: string}} FaultScope
 */

/** @type {FaultCard[]} */
export const FAULT_CARDS = [
  { sign: "401", title: "Invalid key", kind: "refused", text: "The API key is refused. A retry cannot help.", fixed: { error: 401 } },
  { sign: "$0", title: "Out of credit", kind: "refused", text: "The balance is used up: 402, 403 or 406, as the vendor does.", fixed: { error: "insufficient_credits" } },
  {
    sign: "429",
    title: "Rate limited",
    kind: "limited",
    text: "A good client waits as long as Retry-After asks.",
    fixed: { error: 429 },
    option: { property: "retry_after", label: "Retry-After", values: ["2s", "1s", "5s", "30s"] },
  },
  {
    sign: "504",
    title: "Gateway timeout",
    kind: "failed",
    text: "No answer, then an error of a proxy.",
    fixed: { error: 504 },
    option: { property: "delay", label: "after", values: ["10s", "2s", "30s", "60s"] },
  },
  {
    sign: "slow",
    title: "Slow first token",
    kind: "limited",
    text: "The response is correct, but late.",
    fixed: {},
    option: { property: "delay", label: "after", values: ["5s", "2s", "15s", "60s"] },
  },
  { sign: "cut", title: "Cut mid-stream", kind: "failed", text: "The connection is reset after three chunks.", fixed: { fault: "reset@3" } },
  { sign: "SSE", title: "Malformed stream", kind: "failed", text: "The third event has incomplete JSON.", fixed: { fault: "truncated_json@2" } },
  {
    sign: "503",
    title: "Flaky",
    kind: "failed",
    text: "A random part of the requests fails.",
    fixed: { error: 503 },
    option: { property: "probability", label: "share", values: ["20%", "5%", "50%"] },
  },
];

export const DURATION_OPTIONS = [
  ["", "until turned off"],
  ["1x", "1 request of each session"],
  ["3x", "3 requests of each session"],
  ["10x", "10 requests of each session"],
  ["30s", "for 30 s"],
  ["1m", "for 1 min"],
  ["5m", "for 5 min"],
];

const SCOPE_PROPERTIES = ["match", "times", "for"]; // all others are the rule's effect

/**
 * Return the definition of a card's rule.
 * @param {FaultCard} card
 * @param {string | undefined} value of the card's option
 * @param {FaultScope} scope
 */
export function buildRule(card, value, { vendor, model, duration }) {
  const match = { ...(vendor && { vendor }), ...(model && { model }) };
  return {
    ...(Object.keys(match).length && { match }),
    ...card.fixed,
    ...(card.option && { [card.option.property]: value }),
    ...(duration.endsWith("x") && { times: Number(duration.slice(0, -1)) }),
    ...(duration && !duration.endsWith("x") && { for: duration }),
  };
}

/**
 * Return the value of a card's option in a rule, as text.
 * @param {FaultCard} card
 * @param {Pick<FaultRule, "definition">} rule
 */
export function optionValue({ option }, { definition }) {
  return option ? toText(definition[option.property]) : "";
}

/**
 * Return the definition of a rule with another value of a card's option.
 * @param {FaultCard} card
 * @param {Pick<FaultRule, "definition">} rule
 * @param {string} value
 */
export function withOptionValue({ option }, { definition }, value) {
  return option ? { ...definition, [option.property]: value } : definition;
}

/**
 * Return whether a rule has the effect of a card, whatever the value of its option.
 * @param {FaultCard} card
 * @param {FaultRule} rule
 */
export function isRuleOfCard(card, { definition }) {
  const properties = Object.keys(definition).filter((name) => !SCOPE_PROPERTIES.includes(name));
  const expected = [...Object.keys(card.fixed), ...(card.option ? [card.option.property] : [])];
  return (
    properties.length === expected.length &&
    properties.every((name) => expected.includes(name) && String(definition[name]) === String(card.fixed[name] ?? definition[name]))
  );
}

/**
 * Return whether a rule applies to exactly these requests.
 * @param {FaultRule} rule
 * @param {FaultScope} scope
 */
export function hasScope({ definition, session }, scope) {
  const { vendor = "", model = "", ...others } = definition.match ?? {};
  const isSame = vendor === scope.vendor && model === scope.model && (session ?? "") === scope.session;
  return isSame && !Object.keys(others).length;
}

/**
 * Describe the effect of a rule: `429, Retry-After 2s`.
 * @param {Pick<FaultRule, "definition">} rule
 */
export function describeEffect({ definition }) {
  const { error, retry_after: retryAfter, delay, fault, probability } = definition;
  const parts = [
    error !== undefined && String(error).replaceAll("_", " "),
    retryAfter && `Retry-After ${retryAfter}`,
    fault && toText(fault),
    delay && `delayed by ${toText(delay)}`,
    probability && `${probability} of requests`,
  ];
  return parts.filter(Boolean).join(", ");
}

/**
 * Describe the requests that a rule applies to: `segmind, o1-*, session demo`.
 * @param {{definition: Record<string, any>, session: string | null}} rule
 */
export function describeScope({ definition, session }) {
  const parts = Object.entries(definition.match ?? {}).map(([field, value]) =>
    field === "vendor" || field === "model" ? toText(value) : `${field} ${toText(value)}`,
  );
  if (session) parts.push(`session ${session}`);
  return parts.join(", ") || "all requests";
}

/**
 * Describe how long a rule still applies: `1 of 3 requests left`, `3 left in each new session`, `12 s left`.
 * @param {FaultRule} rule
 * @param {number | null} seconds until it expires, null without a time limit
 */
export function describeRemaining({ definition, applied, scope, over }, seconds) {
  const { times } = definition;
  if (over || seconds === 0) return "expired";
  const parts = [];
  if (seconds !== null) parts.push(`${formatDuration(Math.ceil(seconds) * 1000)} left`);
  // Requests are counted in each session, so a rule for all sessions is never used up.
  if (times !== undefined) parts.push(scope === "session" ? `${times - applied} of ${formatCount(times, "request")} left` : `${times} left in each new session`);
  return parts.join(", ") || "until turned off";
}

/**
 * Describe where a rule was made.
 * @param {FaultRule} rule
 */
export function ruleOrigin({ scope, source }) {
  return scope === "file" ? baseName(source) : "added at run time";
}

/** @param {unknown} value */
function toText(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}
