// The outcome of a request: one of a few kinds, each with a sign and a word, so that colour is never the only hint.

/** @typedef {"ok" | "limited" | "refused" | "failed" | "cut" | "malformed" | "left" | "open"} OutcomeKind */

/**
 * What an outcome depends on.
 * @typedef {{status: number, ended: string | null, fault: string | null, first_byte_ms: number | null}} Outcome
 */

/** @type {[OutcomeKind, string, string][]} */
const OUTCOMES = [
  ["ok", "✓", "answered"],
  ["limited", "◆", "rate limited"],
  ["refused", "▲", "refused"],
  ["failed", "✕", "failed"],
  ["cut", "✂\uFE0E", "cut off"],
  ["malformed", "◐", "malformed"],
  ["left", "↩", "client left"],
  ["open", "○", "open"],
];
const SIGNS = new Map(OUTCOMES.map(([kind, sign, word]) => [kind, { sign, word }]));
const HARMLESS_FAULTS = new Set(["slow", "comments", "crlf", "no_space", "multiline_data", "split_utf8"]);

/** Return every kind with its sign and word. */
export function listOutcomes() {
  return OUTCOMES;
}

/**
 * Return `{kind, sign, word, status}`; `status` is a number as text, "none" if the client received no status line.
 * @param {Outcome} request
 */
export function outcomeOf(request) {
  const kind = kindOf(request);
  const { sign, word } = SIGNS.get(kind) ?? { sign: "", word: "" };
  // A client that left before the first byte has received no status, whatever was decided.
  const isReceived = request.status && (request.first_byte_ms !== null || kind === "open");
  return { kind, sign, word, status: isReceived ? String(request.status) : kind === "open" ? "" : "none" };
}

/**
 * Return whether a client may retry after such a request.
 * @param {Outcome} request
 */
export function isFailure(request) {
  const kind = kindOf(request);
  return kind !== "ok" && kind !== "open";
}

/**
 * @param {Outcome} request
 * @returns {OutcomeKind}
 */
function kindOf({ ended, status, fault }) {
  if (ended === null) return "open";
  if (ended === "left") return "left";
  if (status === 429) return "limited";
  if (status >= 500) return "failed";
  if (status >= 400) return "refused";
  if (ended === "dropped" || ended === "closed") return "cut";
  // Slow delivery and unusual but valid framing harm no correct client.
  return fault && !HARMLESS_FAULTS.has(fault.split(/[=@]/)[0]) ? "malformed" : "ok";
}
