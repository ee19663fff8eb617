// A banner above every view while fault rules are active, so that an injected fault is not taken for a bug.

import { describeEffect, describeScope } from "../data/fault-cards.js";
import { h } from "../lib/dom.js";
import { formatCount } from "../lib/format.js";
import { formatHash } from "../lib/hash-route.js";

/** @import { AppContext } from "../data/app-context.js" */
/** @import { FaultRule } from "../data/fault-rule-store.js" */

const LISTED_RULES = 3;

/**
 * Fill an element with the banner; `render` updates it.
 * @param {HTMLElement} element
 * @param {AppContext} context
 */
export function createFaultBanner(element, context) {
  let stamp = "";

  function render() {
    const { active } = context.rules;
    const current = active.map((rule) => `${rule.id} ${rule.session} ${describeEffect(rule)}`).join("\n");
    if (current === stamp) return;
    stamp = current;
    element.replaceChildren(...(active.length ? [createLine(active)] : []));
  }

  /** @param {FaultRule[]} active */
  function createLine(active) {
    const items = active.slice(0, LISTED_RULES).map((rule) => h("li", {}, h("b", {}, describeEffect(rule)), ` ${describeScope(rule)}`));
    if (active.length > LISTED_RULES) items.push(h("li", {}, `and ${active.length - LISTED_RULES} more`));
    const off = h("button", { type: "button", onclick: turnOff }, "Turn all off");
    return h(
      "div",
      { class: "fault-banner" },
      h("a", { href: formatHash("faults", context.filter) }, `${formatCount(active.length, "fault")} active`),
      h("ul", {}, items),
      active.some((rule) => rule.scope !== "file") && off,
    );
  }

  async function turnOff() {
    context.announce(`${formatCount(await context.rules.remove(context.rules.list), "fault")} turned off`);
    document.getElementById("content")?.focus();
  }

  return { render };
}
