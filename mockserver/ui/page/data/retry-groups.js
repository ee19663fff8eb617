// Calls with their attempts, as the server groups them, and how the client waited between the attempts.

import { isFailure, outcomeOf } from "./outcome.js";

/** @import { StoredRequest } from "./request-store.js" */

/** @typedef {Map<string, string>} CallIds the id of the call of each request, by the id of the request */
/** @typedef {"ignored" | "immediate" | "honoured" | "waited"} WaitKind */

/**
 * A wait between two attempts; `requested` is what Retry-After asked for, in milliseconds.
 * @typedef {{from: number, to: number, waited: number, requested: number | null, kind: WaitKind}} Wait
 */

/**
 * The wait after the last attempt, as long as the client may retry: until `until`. After that it has given up.
 * @typedef {{from: number, requested: number | null, until: number}} PendingWait
 */

/** @typedef {{isGood: boolean | null, text: string}} Assessment null: neither good nor bad */

/**
 * A call with all its attempts, oldest first; `end` is null while the last one is open.
 * @typedef {object} Call
 * @property {string} id of the first attempt
 * @property {StoredRequest[]} attempts
 * @property {StoredRequest} last
 * @property {number} start
 * @property {number | null} end
 * @property {Wait[]} waits
 * @property {PendingWait | null} pending
 * @property {Assessment} assessment
 */

const RETRY_WINDOW = 10_000; // milliseconds
const MAX_BACKOFF_FACTOR = 4; // of a wait over the previous one: few clients back off faster
const PERMANENT = new Set([400, 401, 402, 403, 404, 405, 406, 410, 413, 415, 422]); // a retry would fail again
const RETRIED = new Set(["limited", "failed", "cut"]); // outcomes after which most clients try again
const IMMEDIATE = 100; // milliseconds; a shorter wait counts as none
const TOLERANCE = 0.95; // of the requested wait: clocks differ
const MIN_GROWTH = 1.4; // of the last wait over the first one, to count as backoff
const JITTER = 0.7; // of the previous wait; many clients add a random part

/**
 * Group requests into calls, in the order of their first attempts. A request that is newer than the server's last answer
 * is a call of its own until the next one.
 * @param {StoredRequest[]} requests in the order of arrival
 * @param {CallIds} callIds
 */
export function groupRetries(requests, callIds) {
  /** @type {Map<string, StoredRequest[]>} */
  const groups = new Map();
  for (const request of requests) {
    const id = callIds.get(request.id) ?? request.id;
    const attempts = groups.get(id);
    if (attempts) attempts.push(request);
    else groups.set(id, [request]);
  }
  return [...groups.values()].map(toCall);
}

/**
 * Measure the waits between attempts.
 * @param {StoredRequest[]} attempts
 * @returns {Wait[]}
 */
export function measureWaits(attempts) {
  return attempts.slice(1).map((next, index) => {
    const previous = attempts[index];
    const from = Math.min(previous.end ?? next.at, next.at);
    const waited = next.at - from;
    const requested = previous.retry_after_ms;
    return { from, to: next.at, waited, requested, kind: classifyWait(waited, requested) };
  });
}

/**
 * Return the longest wait after the last attempt, in milliseconds, after which a request is still taken for a retry.
 * @param {StoredRequest[]} attempts
 */
function longestWait(attempts) {
  const previousWait = measureWaits(attempts.slice(-2))[0]?.waited ?? 0;
  const { retry_after_ms: requested } = attempts[attempts.length - 1];
  return Math.max(RETRY_WINDOW, previousWait * MAX_BACKOFF_FACTOR) + (requested ?? 0);
}

/**
 * @param {StoredRequest[]} attempts
 * @returns {PendingWait | null}
 */
function pendingWait(attempts) {
  const { status, end, by_hand: isByHand, retry_after_ms: requested } = attempts[attempts.length - 1];
  const last = attempts[attempts.length - 1];
  if (end === null || !isFailure(last)) return null;
  const mayRetry = !isByHand && !PERMANENT.has(status) && RETRIED.has(outcomeOf(last).kind);
  if (!mayRetry && requested === null) return null;
  return { from: end, requested, until: mayRetry ? end + longestWait(attempts) : end };
}

/**
 * @param {number} waited
 * @param {number | null} requested
 * @returns {WaitKind}
 */
function classifyWait(waited, requested) {
  if (requested !== null) return waited < requested * TOLERANCE ? "ignored" : "honoured";
  return waited < IMMEDIATE ? "immediate" : "waited";
}

/**
 * @param {StoredRequest[]} attempts
 * @returns {Call}
 */
function toCall(attempts) {
  const waits = measureWaits(attempts);
  const [first] = attempts;
  const last = attempts[attempts.length - 1];
  const pending = pendingWait(attempts);
  return { id: first.id, attempts, last, start: first.at, end: last.end, waits, pending, assessment: assessWaits(waits) };
}

/**
 * @param {Wait[]} waits
 * @returns {Assessment}
 */
function assessWaits(waits) {
  /** @param {WaitKind} kind */
  const count = (kind) => waits.filter((wait) => wait.kind === kind).length;
  if (count("ignored")) return { isGood: false, text: "ignores Retry-After" };
  if (count("immediate") > 1) return { isGood: false, text: "no backoff" };
  if (count("honoured")) return { isGood: true, text: "honours Retry-After" };
  if (count("waited") > 1 && isBackoff(waits.map((wait) => wait.waited))) return { isGood: true, text: "backs off" };
  return { isGood: null, text: waits.length ? "retries" : "" };
}

/**
 * Return whether waits grow on the whole.
 * @param {number[]} waited
 */
function isBackoff(waited) {
  const grows = waited.every((wait, index) => index === 0 || wait > waited[index - 1] * JITTER);
  return grows && waited[waited.length - 1] > waited[0] * MIN_GROWTH;
}
