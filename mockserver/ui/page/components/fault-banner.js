// The line above every view for as long as something goes wrong on purpose, so that nobody looks for the reason in vain.

import { h } from "../lib/dom.js";
import { describeEffect, describeScope } from "../data/fault-cards.js";
import * as place from "../lib/hash-route.js";
import { formatCount } from "../lib/format.js";

const SOME = 3; // that are named

/** `draw()` brings it up to date. */
export function createFaultBanner(element, context) {
  let stamp = "";

  function draw() {
    const active = context.rules.active;
    const told = active.map((rule) => `${rule.id} ${rule.session} ${describeEffect(rule)}`).join("\n");
    if (told === stamp) return;
    stamp = told;
    element.replaceChildren(...(active.length ? [line(active)] : []));
  }

  function line(active) {
    const names = active.slice(0, SOME).map((rule) => h("li", {}, h("b", {}, describeEffect(rule)), ` ${describeScope(rule)}`));
    if (active.length > SOME) names.push(h("li", {}, `and ${active.length - SOME} more`));
    const off = h("button", { type: "button", onclick: clear }, "All off");
    return h(
      "div",
      { class: "alarm" },
      h("a", { href: place.formatHash("faults", context.filter) }, `${formatCount(active.length, "fault")} active`),
      h("ul", {}, names),
      active.some((rule) => rule.scope !== "file") && off,
    );
  }

  async function clear() {
    context.say(`${formatCount(await context.rules.drop(context.rules.list), "fault")} off`);
    document.getElementById("content").focus();
  }

  return { draw };
}
