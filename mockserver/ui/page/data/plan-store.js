// The plan of the server, read again whenever it is changed, begun or moved.

import { requestJson } from "../lib/api.js";
import { createPoller } from "../lib/poller.js";
import { describeEffect } from "./fault-cards.js";

/**
 * A step of the plan as the admin API lists it.
 * @typedef {object} PlanStep
 * @property {string} id
 * @property {number} at_s
 * @property {number | null} for_s seconds for which it applies, null to the end
 * @property {number} applied
 * @property {Record<string, any>} definition
 */

const TICK_INTERVAL = 500; // milliseconds

/** Store of the plan. */
export class PlanStore {
  /** @param {() => void} onChange is called whenever there is something new to render */
  constructor(onChange) {
    /** @type {PlanStep[]} */
    this.steps = [];
    /** @type {number | null} */
    this.readElapsed = null; // seconds when it was read, null before the first request
    this.readAt = 0;
    this.onChange = onChange;
    this.timer = 0;
    this.refresh = createPoller(async () => {
      const plan = await requestJson("GET", "/plan");
      this.steps = plan.steps;
      this.readElapsed = plan.elapsed_s;
      this.readAt = performance.now();
      this.tick();
    });
  }

  /**
   * Read the plan again if an event of the feed may have changed it.
   * @param {string} type
   * @param {any} data
   */
  handleEvent(type, data) {
    const isMoved = type === "change" && ["plan", "fixtures", "counters", "clock", "faults"].includes(data.what);
    const isUsed = type === "request" && data.moment === "decided" && (this.elapsed === null || data.request.rule);
    if (isMoved || (isUsed && this.steps.length)) this.refresh();
  }

  /** Return the seconds since the first request, null before it. */
  get elapsed() {
    return this.readElapsed === null ? null : this.readElapsed + (performance.now() - this.readAt) / 1000;
  }

  /** Start the plan again. Throws ApiError. */
  async restart() {
    await requestJson("POST", "/plan");
    this.refresh(true);
  }

  /** Render, and render again for as long as steps begin or end. */
  tick() {
    clearTimeout(this.timer);
    this.onChange();
    const { elapsed } = this;
    if (elapsed !== null && this.steps.some((step) => stepState(step, elapsed) !== "over")) {
      this.timer = window.setTimeout(() => this.tick(), TICK_INTERVAL);
    }
  }
}

/**
 * Return whether a step has begun, or ended.
 * @param {PlanStep} step
 * @param {number | null} elapsed seconds since the first request
 * @returns {"pending" | "active" | "over"}
 */
export function stepState({ at_s: at, for_s: length }, elapsed) {
  if (elapsed === null || elapsed < at) return "pending";
  return length === null || elapsed < at + length ? "active" : "over";
}

/**
 * Describe the effect of a step: `503, 20% of requests`, `503, 0% to 50% of requests`.
 * @param {PlanStep} step
 */
export function describeStep({ definition }) {
  const { probability } = definition;
  const isRamp = typeof probability === "object" && probability !== null;
  const shown = isRamp ? `${probability.from} to ${probability.to}` : probability;
  return describeEffect({ definition: { ...definition, probability: shown } });
}
