// The state that all views share.

import { CallGroups } from "./call-groups.js";
import { DemoStore } from "./demo-store.js";
import { FaultRuleStore } from "./fault-rule-store.js";
import { FindingStore } from "./finding-store.js";
import { PlanStore } from "./plan-store.js";
import { RequestList } from "./request-list.js";
import { RequestStore } from "./request-store.js";

/** @import { Query } from "../lib/hash-route.js" */
/** @import { Filter } from "./request-filter.js" */
/** @import { StoredRequest } from "./request-store.js" */

/** State of the UI; views read it when they render. */
export class AppContext {
  /**
   * @param {() => void} requestRender
   * @param {(text: string) => void} announce
   */
  constructor(requestRender, announce) {
    this.requestRender = requestRender;
    /** Tell a text to users of a screen reader. */
    this.announce = announce;
    this.store = new RequestStore(); // the newest requests
    this.list = new RequestList(this.store, requestRender); // those that meet the filter
    this.calls = new CallGroups(requestRender); // of the requests to show
    this.findings = new FindingStore(requestRender); // about them
    this.rules = new FaultRuleStore(requestRender);
    this.plan = new PlanStore(requestRender);
    this.demo = new DemoStore(requestRender);
    this.view = "";
    this.requestId = ""; // of the request in the detail panel
    /** @type {Query} */
    this.query = {};
    /** @type {Filter} */
    this.filter = { q: "", session: "", vendor: "", status: "" };
    /** @type {{requests: StoredRequest[], at: number} | null} */
    this.paused = null; // the requests at the moment of the pause
    this.missed = 0; // requests since then
  }

  /** Return the requests to show. */
  get requests() {
    return this.paused?.requests ?? this.list.requests;
  }

  /** Return the server's time to show, in milliseconds since 1970. */
  now() {
    return this.paused?.at ?? this.store.now();
  }

  /** Pause the display of requests, or resume it. */
  togglePause() {
    this.paused = this.paused ? null : { requests: this.list.requests, at: this.store.now() };
    this.missed = 0;
    this.requestRender();
  }
}
