// The strip above every view that shows where the plan stands, if there is one.

import { describeStep, stepState } from "../data/plan-store.js";
import { h, setText } from "../lib/dom.js";
import { formatDuration } from "../lib/format.js";

/** @import { AppContext } from "../data/app-context.js" */
/** @import { PlanStep } from "../data/plan-store.js" */

const LISTED_STEPS = 8;

/**
 * Append the strip to an element; `render` updates it.
 * @param {HTMLElement} element
 * @param {AppContext} context
 */
export function createPlanStrip(element, context) {
  const time = h("span");
  const list = h("ol");
  const strip = h(
    "section",
    { class: "plan-strip", "aria-label": "Plan", hidden: true },
    h("b", {}, "Plan"),
    time,
    list,
    h("button", { type: "button", onclick: restart }, "Restart"),
  );
  element.append(strip);
  let stamp = "";

  async function restart() {
    await context.plan.restart();
    context.announce("The plan begins with the next request");
  }

  function render() {
    const { steps, elapsed } = context.plan;
    strip.hidden = !steps.length;
    if (strip.hidden) return;
    setText(time, elapsed === null ? "begins with the next request" : formatDuration(Math.floor(elapsed) * 1000));
    const texts = steps.map((step) => `${stepState(step, elapsed)}: ${describeStep(step)}, ${describeTime(step)}, ${step.applied}`);
    if (texts.join("\n") === stamp) return;
    stamp = texts.join("\n");
    const states = steps.map((step) => stepState(step, elapsed));
    const ended = states.filter((state) => state === "over").length;
    const first = Math.max(0, Math.min(ended, steps.length - LISTED_STEPS));
    const shown = steps.slice(first, first + LISTED_STEPS).map((step, index) => createStep(step, states[first + index]));
    list.replaceChildren(...shown);
    if (steps.length > LISTED_STEPS) list.append(h("li", {}, `${steps.length} steps in all`));
  }

  /**
   * @param {PlanStep} step
   * @param {string} state
   */
  function createStep(step, state) {
    const applied = step.applied ? ` · ${step.applied}` : "";
    const title = `${state}, applied ${step.applied} times`;
    return h("li", { class: state, title }, h("b", {}, describeStep(step)), ` ${describeTime(step)}${applied}`);
  }

  return { render };
}

/** @param {PlanStep} step */
function describeTime({ at_s: at, for_s: length }) {
  const begin = formatDuration(at * 1000);
  return length === null ? `from ${begin}` : `${begin} – ${formatDuration((at + length) * 1000)}`;
}
