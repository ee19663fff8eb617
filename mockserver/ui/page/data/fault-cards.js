// Ways to fail, as cards: the fault rule that each stands for, and what of a rule can be said in a few words.

import { formatCount, baseName, formatDuration } from "../lib/format.js";

// `fixed` is what the rule always says; `free` is what may be chosen of it, the first choice being made.
export const FAULT_CARDS = [
  { sign: "401", title: "Key refused", kind: "refused", text: "The key is no key. Nobody should try again.", fixed: { error: 401 } },
  { sign: "402", title: "Out of money", kind: "refused", text: "Nothing is left on the account.", fixed: { error: 402 } },
  {
    sign: "429",
    title: "Rate limited",
    kind: "limited",
    text: "Too fast. A good client waits as long as it is told.",
    fixed: { error: 429 },
    free: ["retry_after", "Retry-After", ["2s", "1s", "5s", "30s"]],
  },
  {
    sign: "504",
    title: "Gateway timeout",
    kind: "failed",
    text: "Silence, and then a proxy gives up.",
    fixed: { error: 504 },
    free: ["delay", "after", ["10s", "2s", "30s", "60s"]],
  },
  {
    sign: "slow",
    title: "Slow first token",
    kind: "limited",
    text: "The answer is right, but late.",
    fixed: {},
    free: ["delay", "after", ["5s", "2s", "15s", "60s"]],
  },
  { sign: "cut", title: "Cut mid-stream", kind: "failed", text: "The connection is reset after three chunks.", fixed: { fault: "reset@3" } },
  { sign: "SSE", title: "Malformed stream", kind: "failed", text: "The third event is half a JSON.", fixed: { fault: "truncated_json@2" } },
  {
    sign: "503",
    title: "Flaky",
    kind: "failed",
    text: "Some of the calls fail, by chance.",
    fixed: { error: 503 },
    free: ["probability", "of calls", ["20%", "5%", "50%"]],
  },
];

export const DURATION_OPTIONS = [
  ["", "until turned off"],
  ["1x", "the next call"],
  ["3x", "the next 3 calls"],
  ["10x", "the next 10 calls"],
  ["30s", "for 30 s"],
  ["1m", "for 1 min"],
  ["5m", "for 5 min"],
];

const BOUNDS = ["match", "times", "for"]; // all else is what a rule does

/** The rule of a card, with its choice, for these calls. */
export function buildRule(card, choice, { vendor, model, lasts }) {
  const match = { ...(vendor && { vendor }), ...(model && { model }) };
  return {
    ...(Object.keys(match).length && { match }),
    ...card.fixed,
    ...(card.free && { [card.free[0]]: choice }),
    ...(lasts?.endsWith("x") && { times: Number(lasts.slice(0, -1)) }),
    ...(lasts && !lasts.endsWith("x") && { for: lasts }),
  };
}

/** Whether a rule is one of this card, whatever its choice. */
export function isRuleOfCard(card, { definition }) {
  const does = Object.keys(definition).filter((word) => !BOUNDS.includes(word));
  const mine = [...Object.keys(card.fixed), ...(card.free ? [card.free[0]] : [])];
  return (
    does.length === mine.length &&
    does.every((word) => mine.includes(word) && String(definition[word]) === String(card.fixed[word] ?? definition[word]))
  );
}

/** Whether a rule is for just these calls. */
export function hasScope(scope, { definition, session }) {
  const { vendor = "", model = "", ...more } = definition.match ?? {};
  return vendor === scope.vendor && model === scope.model && (session ?? "") === scope.session && !Object.keys(more).length;
}

/** What a rule does: `429, Retry-After 2s`. */
export function describeEffect({ definition }) {
  const { error, retry_after: after, delay, fault, probability } = definition;
  const parts = [
    error !== undefined && String(error).replaceAll("_", " "),
    after && `Retry-After ${after}`,
    fault && (typeof fault === "string" ? fault : JSON.stringify(fault)),
    delay && `${typeof delay === "string" ? delay : JSON.stringify(delay)} late`,
    probability && `${probability} of calls`,
  ];
  return parts.filter(Boolean).join(", ");
}

/** Whom it is for: `segmind, o1-*, session demo`. */
export function describeScope({ definition, session }) {
  const parts = Object.entries(definition.match ?? {}).map(([field, value]) => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return field === "vendor" || field === "model" ? text : `${field} ${text}`;
  });
  if (session) parts.push(`session ${session}`);
  return parts.join(", ") || "all calls";
}

/** What is left of it: `1 of 3 calls left`, `12 s left`. `seconds` is null where its time has no end. */
export function describeRemaining({ definition, applied, scope, over }, seconds) {
  if (over || seconds === 0) return "over";
  if (seconds !== null) return `${formatDuration(Math.ceil(seconds) * 1000)} left`;
  if (definition.times === undefined) return "until turned off";
  if (scope === "session" || applied < definition.times) return `${definition.times - applied} of ${formatCount(definition.times, "call")} left`;
  return `${formatCount(definition.times, "call")} in each session`;
}

/** Where it comes from. */
export function ruleOrigin({ scope, source }) {
  return scope === "file" ? baseName(source) : "added while it runs";
}
