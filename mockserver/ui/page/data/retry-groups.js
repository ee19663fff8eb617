// Which requests are attempts of one call, and how their client behaved between them.
//
// No client says which call an attempt belongs to, so it is inferred. An attempt follows another when it has the same
// session, vendor, path and body, and either counts one more than that (x-stainless-retry-count), or counts nothing and
// comes soon after that has failed in a way that may pass: within ten seconds, or four times the wait before it, after
// the time that it was told to wait. A client whose count begins anew has given up and calls again: another call.

import { isFailure } from "./outcome.js";

const SOON = 10_000; // milliseconds
const GROWTH = 4; // of a wait over the one before: few back off faster
const LASTING = new Set([400, 401, 402, 403, 404, 405, 406, 410, 413, 415, 422]); // as little use to try again
const AT_ONCE = 100; // milliseconds below which a wait is none
const EXACT = 0.95; // of what was asked: clocks differ, and nobody waits to the millisecond

/** Calls in the order of their first attempts, from requests in the order of arrival. */
export function groupRetries(requests) {
  const calls = [];
  const latest = new Map(); // by what their attempts have in common, the newest first
  for (const request of requests) {
    const same = [request.session, request.vendor, request.path, request.digest].join("\n");
    const known = latest.get(same) ?? [];
    const call = known.find(({ attempts }) => follows(attempts, request));
    if (call) {
      call.attempts.push(request);
      continue;
    }
    const made = { id: request.id, attempts: [request] };
    calls.push(made);
    latest.set(same, [made, ...known]);
  }
  return calls.map(judged);
}

/** How long a client waited after an attempt, how long it was asked to, and what to think of it. */
export function measureWaits(attempts) {
  return attempts.slice(1).map((next, index) => {
    const before = attempts[index];
    const from = Math.min(before.end ?? next.at, next.at);
    const waited = next.at - from;
    const asked = before.retry_after_ms;
    return { from, to: next.at, waited, asked, manner: manner(waited, asked) };
  });
}

function follows(attempts, request) {
  const last = attempts.at(-1);
  // A client that gives up waiting may be back before the server has noticed that it left.
  if (request.attempt > 0) return request.attempt === last.attempt + 1 && (last.end === null || isFailure(last));
  if (last.attempt > 0 || last.end === null || !isFailure(last) || LASTING.has(last.status)) return false;
  const before = measureWaits(attempts.slice(-2))[0]?.waited ?? 0;
  const patience = Math.max(SOON, before * GROWTH) + (last.retry_after_ms ?? 0);
  return request.at >= last.end - 1 && request.at - last.end <= patience;
}

function manner(waited, asked) {
  if (asked !== null) return waited < asked * EXACT ? "ignored" : "honoured";
  return waited < AT_ONCE ? "at once" : "waited";
}

function judged({ id, attempts }) {
  const between = measureWaits(attempts);
  const last = attempts.at(-1);
  return { id, attempts, waits: between, start: attempts[0].at, end: last.end, last, verdict: verdict(attempts, between) };
}

/** `{good, text}`: true, false, or null where there is nothing to judge. */
function verdict(attempts, between) {
  const said = (manner) => between.filter((one) => one.manner === manner).length;
  if (said("ignored")) return { good: false, text: "ignores Retry-After" };
  if (said("at once") > 1) return { good: false, text: "no backoff" };
  if (said("honoured")) return { good: true, text: "honours Retry-After" };
  if (said("waited") > 1 && grow(between.map((one) => one.waited))) return { good: true, text: "backs off" };
  if (between.length) return { good: null, text: "tries again" };
  return { good: null, text: "" };
}

/** Whether waits grow on the whole: many clients add some chance to each. */
function grow(waited) {
  return waited.at(-1) > waited[0] * 1.4 && waited.every((one, index) => index === 0 || one > waited[index - 1] * 0.7);
}
