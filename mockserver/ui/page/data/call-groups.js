// Which requests are attempts of one call, as the server finds.

import { requestJson, sessionQuery } from "../lib/api.js";
import { createPoller } from "../lib/poller.js";

/** @import { StoredRequest } from "./request-store.js" */
/** @import { CallIds } from "./retry-groups.js" */

const READ_INTERVAL = 2000; // milliseconds

/** The calls of the requests that a view shows, read again when these requests change. */
export class CallGroups {
  /** @param {() => void} onChange is called when something was read */
  constructor(onChange) {
    /** @type {CallIds} */
    this.ids = new Map(); // a new map whenever it was read
    /** @type {StoredRequest[]} */
    this.requests = [];
    this.refresh = createPoller(async () => {
      const { requests } = this;
      const { calls } = await requestJson("GET", `/calls${selectRange(requests)}`);
      this.ids = new Map(calls.flatMap((/** @type {string[]} */ call) => call.map((id) => [id, call[0]])));
      onChange();
    }, READ_INTERVAL);
  }

  /**
   * Return the ids of the calls of requests, as far as they are known; read them again if the requests have changed.
   * @param {StoredRequest[]} requests in the order of arrival; the same array as long as nothing has changed
   */
  follow(requests) {
    if (this.requests !== requests && requests.length) {
      const isOtherPage = !requests.some((request) => this.ids.has(request.id));
      this.refresh(isOtherPage);
    }
    this.requests = requests;
    return this.ids;
  }
}

/**
 * Return the query string that selects requests, and others between them.
 * @param {StoredRequest[]} requests at least one
 */
function selectRange(requests) {
  const [{ session, number }] = requests;
  const range = `since=${number - 1}&before=${requests[requests.length - 1].number + 1}`;
  const isOneSession = requests.every((request) => request.session === session);
  return isOneSession ? `${sessionQuery(session)}&${range}` : `?${range}`;
}
