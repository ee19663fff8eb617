// The findings of the server's report, by the requests that they are about.

import { requestJson, sessionQuery } from "../lib/api.js";
import { createPoller } from "../lib/poller.js";

/** @import { StoredRequest } from "./request-store.js" */

/** @typedef {{rule: string, severity: "error" | "advice", session: string, requests: string[], seconds: number, message: string, advice: string}} Finding */
/** @typedef {Map<string, Finding[]>} FindingsById the findings about each request, by the id of the request */

const READ_INTERVAL = 2000; // milliseconds

/** The findings about the requests that a view shows, read again when these requests change. */
export class FindingStore {
  /** @param {() => void} onChange is called when something was read */
  constructor(onChange) {
    /** @type {FindingsById} */
    this.byId = new Map(); // a new map whenever it was read
    /** @type {StoredRequest[]} */
    this.requests = [];
    this.session = "";
    this.refresh = createPoller(async () => {
      const { findings } = await requestJson("GET", `/report${sessionQuery(this.session)}`);
      this.byId = indexFindings(findings);
      onChange();
    }, READ_INTERVAL);
  }

  /**
   * Return the findings that are known; read them again if the requests have changed.
   * @param {StoredRequest[]} requests the same array as long as nothing has changed
   * @param {string} session empty for all
   */
  follow(requests, session) {
    if (this.requests !== requests || this.session !== session) {
      const isOther = this.session !== session;
      this.requests = requests;
      this.session = session;
      this.refresh(isOther);
    }
    return this.byId;
  }
}

/**
 * Return the findings about a call, each once, errors first.
 * @param {FindingsById} byId
 * @param {{id: string}[]} attempts
 */
export function listFindings(byId, attempts) {
  const found = [...new Set(attempts.flatMap(({ id }) => byId.get(id) ?? []))];
  return found.sort((one, other) => Number(one.severity === "advice") - Number(other.severity === "advice"));
}

/** @param {Finding[]} findings */
function indexFindings(findings) {
  /** @type {FindingsById} */
  const byId = new Map();
  for (const finding of findings) {
    for (const id of finding.requests) byId.set(id, [...(byId.get(id) ?? []), finding]);
  }
  return byId;
}
