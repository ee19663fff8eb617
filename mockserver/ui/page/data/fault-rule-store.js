// The fault rules in force, read again whenever one of them is changed or applied.

import { ApiError, requestJson, sessionQuery } from "../lib/api.js";
import { createPoller } from "../lib/poller.js";

const COUNTDOWN_INTERVAL = 500; // milliseconds

/**
 * A fault rule as the admin API lists it.
 * @typedef {object} FaultRule
 * @property {string} id
 * @property {"file" | "shared" | "session"} scope
 * @property {string | null} session
 * @property {string} source
 * @property {number} applied
 * @property {number | null} left_s seconds until it expires, null without a time limit
 * @property {boolean} over whether it has expired
 * @property {Record<string, any>} definition
 */

/** Store of the fault rules. */
export class FaultRuleStore {
  /** @param {() => void} onChange is called whenever there is something new to render */
  constructor(onChange) {
    /** @type {FaultRule[]} */
    this.list = [];
    this.readAt = 0;
    this.onChange = onChange;
    this.timer = 0;
    this.refresh = createPoller(async () => {
      this.list = (await requestJson("GET", "/faults")).faults;
      this.readAt = performance.now();
      this.countDown();
    });
  }

  /**
   * Read the rules again if an event of the feed may have changed them.
   * @param {string} type
   * @param {any} data
   */
  handleEvent(type, data) {
    const isApplied = type === "request" && data.moment === "decided" && data.request.rule;
    const isChanged = type === "change" && ["faults", "fixtures", "counters", "clock"].includes(data.what);
    if (isApplied || isChanged) this.refresh();
  }

  /**
   * Return the seconds until a rule expires, null without a time limit.
   * @param {FaultRule} rule
   */
  secondsLeft(rule) {
    return rule.left_s === null ? null : Math.max(rule.left_s - (performance.now() - this.readAt) / 1000, 0);
  }

  /** @param {FaultRule} rule */
  isExpired(rule) {
    return rule.over || this.secondsLeft(rule) === 0;
  }

  /** Return the rules that have not expired. */
  get active() {
    return this.list.filter((rule) => !this.isExpired(rule));
  }

  /**
   * Add a rule, for a session or for all. Throws ApiError.
   * @param {Record<string, unknown>} definition
   * @param {string} session
   */
  async add(definition, session) {
    await requestJson("POST", `/faults${sessionQuery(session)}`, definition);
    this.refresh(true);
  }

  /**
   * Replace a rule. The new one is added first, so that no request in between passes. Throws ApiError.
   * @param {FaultRule} rule
   * @param {Record<string, unknown>} definition
   */
  async replace(rule, definition) {
    await this.add(definition, rule.session ?? "");
    await this.remove([rule]);
  }

  /**
   * Remove rules and return their number. Rules of files and flags stay. Throws ApiError.
   * @param {FaultRule[]} rules
   */
  async remove(rules) {
    const removable = rules.filter((rule) => rule.scope !== "file");
    for (const { id, session } of removable) {
      await requestJson("DELETE", `/faults/${encodeURIComponent(id)}${sessionQuery(session)}`).catch(ignoreNotFound);
    }
    this.refresh(true);
    return removable.length;
  }

  /** Render, and render again for as long as a rule with a time limit is active. */
  countDown() {
    clearTimeout(this.timer);
    this.onChange();
    if (this.active.some((rule) => rule.left_s !== null)) {
      this.timer = window.setTimeout(() => this.countDown(), COUNTDOWN_INTERVAL);
    }
  }
}

/**
 * Accept that another client has removed the rule already.
 * @param {unknown} error
 */
function ignoreNotFound(error) {
  if (!(error instanceof ApiError && error.status === 404)) throw error;
}
