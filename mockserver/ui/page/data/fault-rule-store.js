// The fault rules in force, wherever they were made: read again when one is changed, and when one has struck.

import { requestJson } from "../lib/api.js";
import { createPoller } from "../lib/poller.js";

const TICK = 500; // milliseconds between looks at a rule that has its time

export class FaultRuleStore {
  /** `news` is called whenever there is something new to draw. */
  constructor(news) {
    this.list = [];
    this.at = 0; // when it was told
    this.news = news;
    this.clock = null;
    this.read = createPoller(async () => {
      this.list = (await requestJson("GET", "/faults")).faults;
      this.at = performance.now();
      this.tick();
    });
  }

  /** An event of the feed. */
  told(type, data) {
    const struck = type === "request" && data.moment === "decided" && data.request.rule;
    if (struck || (type === "change" && ["faults", "fixtures", "counters", "clock"].includes(data.what))) this.read();
  }

  /** Seconds until a rule's time is over; null where it has no end. */
  left(rule) {
    return rule.left_s === null ? null : Math.max(rule.left_s - (performance.now() - this.at) / 1000, 0);
  }

  isOver(rule) {
    return rule.over || this.left(rule) === 0;
  }

  /** Those that may strike. */
  get active() {
    return this.list.filter((rule) => !this.isOver(rule));
  }

  /** Throws Refused. */
  async lay(rule, session) {
    await requestJson("POST", `/faults${whose(session)}`, rule);
    this.read();
  }

  /** Those that stand in a file or a flag stay. Returns how many are gone. Throws Refused. */
  async drop(rules) {
    const added = rules.filter((rule) => rule.scope !== "file");
    for (const { id, session } of added) await requestJson("DELETE", `/faults/${encodeURIComponent(id)}${whose(session)}`).catch(gone);
    this.read();
    return added.length;
  }

  /** Draws, and goes on drawing for as long as a rule's time runs. */
  tick() {
    clearTimeout(this.clock);
    this.news();
    if (this.active.some((rule) => rule.left_s !== null)) this.clock = setTimeout(() => this.tick(), TICK);
  }
}

/** It was to be gone, and somebody else has seen to that. */
function gone(error) {
  if (error.status !== 404) throw error;
}

function whose(session) {
  return session ? `?session=${encodeURIComponent(session)}` : "";
}
