// The requests that the views list: those that meet the filter, as the server finds them, and what the feed adds.

import { requestJson } from "../lib/api.js";
import { formatCount, formatNumber } from "../lib/format.js";
import { createPoller } from "../lib/poller.js";
import { matchesFilter, searchParameters } from "./request-filter.js";
import { RequestStore } from "./request-store.js";

/** @import { Filter } from "./request-filter.js" */
/** @import { RequestView, StoredRequest } from "./request-store.js" */

export const PAGE_SIZE = 500;
const COUNT_INTERVAL = 1000; // milliseconds between two reads of the counts alone

/**
 * The counts of the server: requests in all, those that meet the filter, and of these the ones before the page.
 * @typedef {{total: number, matching: number, newer: number}} Counts
 */

/** A page of the server's requests, newest first, kept current by the feed. */
export class RequestList {
  /**
   * @param {RequestStore} recent the newest requests, whatever the filter
   * @param {() => void} onChange is called when something was read
   */
  constructor(recent, onChange) {
    this.recent = recent;
    /** @type {RequestStore | null} */
    this.found = null; // what meets the filter; null without one
    /** @type {Filter} */
    this.filter = { q: "", session: "", vendor: "", status: "" };
    this.before = 0; // the page begins before the request with this number; 0: with the newest
    this.parameters = "";
    /** @type {Counts} */
    this.counts = { total: 0, matching: 0, newer: 0 };
    this.isLoaded = false; // whether the list is that of the current filter
    this.isComplete = false; // whether the page has all that meet the filter
    this.reload = createPoller(async () => {
      await this.read();
      onChange();
    });
    this.refreshCounts = createPoller(async () => {
      const { parameters } = this;
      const counts = await requestJson("GET", `/requests?limit=0${parameters}`);
      if (parameters === this.parameters) this.counts = { ...counts, newer: this.before ? counts.newer : 0 };
      onChange();
    }, COUNT_INTERVAL);
  }

  /**
   * Return the number of requests that meet the filter.
   * @param {number} known those that the page knows
   */
  countMatching(known) {
    return this.isComplete ? known : Math.max(this.counts.matching, this.counts.newer + known);
  }

  /**
   * Describe which requests are shown: `12 requests`, `500 of 2,001 requests, newest first`.
   * @param {number} shown
   * @param {number} known those that the page knows
   */
  describe(shown, known) {
    const all = this.countMatching(known);
    if (shown === all) return formatCount(all, "request");
    const { newer } = this.counts;
    const range = newer ? `${formatNumber(newer + 1)} to ${formatNumber(newer + shown)}` : formatNumber(shown);
    return `${range} of ${formatCount(all, "request")}, newest first`;
  }

  /** Return the requests of the page, oldest first. */
  get requests() {
    return (this.found ?? this.recent).requests;
  }

  /**
   * Select what is listed.
   * @param {Filter} filter
   * @param {string} [before]
   */
  select(filter, before = "") {
    this.filter = filter;
    this.before = Number(before) || 0;
    const parameters = `${searchParameters(filter)}${this.before ? `&before=${this.before}` : ""}`;
    if (parameters === this.parameters) return;
    this.parameters = parameters;
    this.isLoaded = false;
    this.reload(true);
  }

  /** Read the newest requests, and the page if it is another one. */
  async readAll() {
    // Cleared before the journal is read, because meanwhile the feed may deliver newer events.
    this.recent.clear();
    this.isLoaded = false;
    if (this.parameters) this.recent.load((await requestJson("GET", `/requests?limit=${PAGE_SIZE}`)).requests);
    await this.read();
  }

  /** Read the page. */
  async read() {
    const { parameters } = this;
    const attempts = parameters && "&attempts=true"; // the timeline shows whole calls
    const answer = await requestJson("GET", `/requests?limit=${PAGE_SIZE}${attempts}${parameters}`);
    if (parameters !== this.parameters) return;
    if (!parameters) {
      this.recent.load(answer.requests);
      this.accept(null, answer);
      return;
    }
    const store = new RequestStore();
    store.load(answer.requests);
    // Newer than the answer, if the feed was faster.
    if (!this.before) for (const request of this.recent.requests) if (request.number > store.newestNumber) this.offer(store, request);
    this.accept(store, answer);
  }

  /**
   * @param {RequestStore | null} found
   * @param {Counts & {requests: RequestView[]}} answer
   */
  accept(found, { total, matching, newer, requests }) {
    this.found = found;
    this.counts = { total, matching, newer };
    this.isComplete = !newer && matching <= requests.length;
    this.isLoaded = true;
  }

  /**
   * Add or update a request that the feed reports.
   * @param {RequestView} request
   */
  put(request) {
    this.recent.put(request, true);
    const stored = this.recent.byId.get(request.id);
    if (this.found && stored) this.offer(this.found, stored);
    if (this.recent.isFull) this.isComplete = false;
    if (!this.isComplete && request.ended !== null) this.refreshCounts();
  }

  /**
   * Add a request to the page if it belongs there: because it is known, meets the filter, or is an attempt of a call there.
   * @param {RequestStore} store
   * @param {StoredRequest} request
   */
  offer(store, request) {
    if (!store.byId.has(request.id)) {
      if (this.before || !(matchesFilter(request, this.filter) || store.requests.some((other) => areAlike(other, request)))) return;
      for (const other of this.recent.requests) if (areAlike(other, request)) store.put(other);
    }
    store.put(request);
  }

  /**
   * Remove the requests of a session, or all requests.
   * @param {string | null} session
   */
  clear(session) {
    this.recent.clear(session);
    this.found?.clear(session);
    this.reload(true);
  }
}

/**
 * Return whether two requests may be attempts of one call.
 * @param {StoredRequest} one
 * @param {StoredRequest} other
 */
function areAlike(one, other) {
  return one.digest === other.digest && one.session === other.session && one.vendor === other.vendor && one.path === other.path;
}
