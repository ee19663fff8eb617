// A menu that turns faults on and off beside the requests that they affect.

import { FAULT_CARDS, buildRule, describeEffect, describeScope, isRuleOfCard } from "../data/fault-cards.js";
import { toggleFault } from "../data/fault-switch.js";
import { h, setText } from "../lib/dom.js";
import { formatHash } from "../lib/hash-route.js";

/** @import { AppContext } from "../data/app-context.js" */

const PANEL_MARGIN = 12; // pixels between the panel and the edge of the window

/**
 * Create the menu; `render` updates it.
 * @param {AppContext} context
 */
export function createFaultMenu(context) {
  const scopeText = h("p", { class: "muted" });
  const link = h("a", {}, "All faults");
  const items = FAULT_CARDS.map((card) => {
    const value = card.option?.values[0];
    const scope = () => ({ ...context.filter, model: "", duration: "" });
    const effect = describeEffect({ definition: buildRule(card, value, { vendor: "", model: "", session: "", duration: "" }) });
    const button = h(
      "button",
      { type: "button", class: card.kind, onclick: () => toggleFault(context, card, value, scope()) },
      h("b", {}, card.title),
      h("span", { class: "muted" }, effect),
    );
    return { card, button };
  });
  const summary = h("summary", { class: "button" }, "Turn on a fault");
  const panel = h("div", { class: "menu-panel", role: "group", "aria-label": "Faults" }, scopeText, items.map((item) => item.button), link);
  const element = h("details", { class: "fault-menu", onkeydown: onKeydown, onfocusout: onFocusOut, ontoggle: onToggle }, summary, panel);

  /** Keep the panel within the window. */
  function onToggle() {
    const excess = element.getBoundingClientRect().left + panel.offsetWidth + PANEL_MARGIN - document.documentElement.clientWidth;
    panel.style.left = `${-Math.max(excess, 0)}px`;
  }

  /** @param {KeyboardEvent} event */
  function onKeydown(event) {
    if (event.key !== "Escape" || !element.open) return;
    event.preventDefault();
    element.open = false;
    summary.focus();
  }

  /** @param {FocusEvent} event */
  function onFocusOut(event) {
    if (event.relatedTarget instanceof Node && !element.contains(event.relatedTarget)) element.open = false;
  }

  addEventListener("pointerdown", (event) => {
    if (event.target instanceof Node && !element.contains(event.target)) element.open = false;
  });

  function render() {
    const { vendor, session } = context.filter;
    setText(scopeText, `For ${describeScope({ definition: vendor ? { match: { vendor } } : {}, session: session || null })}:`);
    link.href = formatHash("faults", context.filter);
    for (const { card, button } of items) {
      button.setAttribute("aria-pressed", String(context.rules.active.some((rule) => rule.scope !== "file" && isRuleOfCard(card, rule))));
    }
  }

  return { element, render };
}
