// The requests that the UI knows: the newest of the server's journal, each in its latest state.

const CAPACITY = 1000;

/**
 * A request as the admin API lists it.
 * @typedef {object} RequestView
 * @property {string} id
 * @property {number} number in the order of arrival
 * @property {string} arrived in ISO 8601
 * @property {string} session
 * @property {string | null} vendor
 * @property {string | null} model
 * @property {string} method
 * @property {string} path
 * @property {boolean} stream
 * @property {number} attempt as the client counts, from 0
 * @property {number} status
 * @property {string | null} fixture
 * @property {string | null} nearest the fixture nearest to a request with a generated reply
 * @property {"answered" | "generated" | "refused" | "injected" | "unmatched" | "unknown_path" | "forwarded" | null} outcome
 * @property {string | null} rule
 * @property {string | null} fault
 * @property {string | null} reason
 * @property {number | null} first_byte_ms
 * @property {number | null} total_ms
 * @property {number} bytes
 * @property {string | null} ended
 * @property {boolean} bodies_dropped whether the journal has dropped the bodies
 * @property {{usd: string, credits: string} | null} charged
 * @property {string} user
 * @property {string} digest
 * @property {boolean} by_hand whether the playground or a replay sent it
 * @property {number | null} retry_after_ms
 * @property {number[]} frames_ms
 */

/**
 * A request with its times in milliseconds since 1970; `end` is null while it is open.
 * @typedef {RequestView & {at: number, end: number | null}} StoredRequest
 */

/** Bounded store of requests in the order of their arrival. */
export class RequestStore {
  /** @param {number} [capacity] */
  constructor(capacity = CAPACITY) {
    this.capacity = capacity;
    /** @type {Map<string, StoredRequest>} */
    this.byId = new Map();
    this.version = 0; // changes whenever a request changes
    this.listVersion = -1; // the version that `list` was made of
    /** @type {StoredRequest[]} */
    this.list = [];
    this.clockOffset = 0; // milliseconds by which the server's clock is ahead of the browser's
  }

  /**
   * Add or update a request. An outdated event does not reopen a request that has ended.
   * @param {RequestView} request
   * @param {boolean} [isLive] whether it has arrived just now, as far as it is new
   */
  put(request, isLive = false) {
    const previous = this.byId.get(request.id);
    if (previous && previous.ended !== null && request.ended === null) return;
    const at = Date.parse(request.arrived);
    if (isLive && !previous) this.clockOffset = at - Date.now();
    this.byId.set(request.id, { ...request, at, end: request.total_ms === null ? null : at + request.total_ms });
    this.version += 1;
    const [oldest] = this.byId.keys();
    if (this.byId.size > this.capacity) this.byId.delete(oldest);
  }

  /**
   * Add the requests of the server's journal.
   * @param {RequestView[]} requests newest first
   */
  load(requests) {
    for (const request of requests.toReversed()) this.put(request);
    this.byId = new Map([...this.byId].sort(([, first], [, second]) => first.number - second.number));
    this.version += 1;
  }

  /**
   * Remove the requests of a session, or all requests.
   * @param {string | null} [session]
   */
  clear(session) {
    for (const [id, request] of this.byId) if (!session || request.session === session) this.byId.delete(id);
    this.version += 1;
  }

  /** Return all requests; the same array as long as nothing has changed. */
  get requests() {
    if (this.listVersion !== this.version) {
      this.list = [...this.byId.values()];
      this.listVersion = this.version;
    }
    return this.list;
  }

  /** Return whether older requests have been removed, or will be by the next one. */
  get isFull() {
    return this.byId.size >= this.capacity;
  }

  /** Return the number of the newest request, 0 if there is none. */
  get newestNumber() {
    return Math.max(0, ...[...this.byId.values()].slice(-10).map((request) => request.number));
  }

  /** Return the server's time, in milliseconds since 1970. */
  now() {
    return Date.now() + this.clockOffset;
  }
}
