// The line above every view for as long as something goes wrong on purpose, so that nobody looks for the reason in vain.

import { h } from "./element.js";
import { deed, scope } from "./failure.js";
import * as place from "./place.js";
import { count } from "./words.js";

const SOME = 3; // that are named

/** `draw()` brings it up to date. */
export function banner(element, context) {
  let stamp = "";

  function draw() {
    const active = context.rules.active;
    const told = active.map((rule) => `${rule.id} ${rule.session} ${deed(rule)}`).join("\n");
    if (told === stamp) return;
    stamp = told;
    element.replaceChildren(...(active.length ? [line(active)] : []));
  }

  function line(active) {
    const names = active.slice(0, SOME).map((rule) => h("li", {}, h("b", {}, deed(rule)), ` ${scope(rule)}`));
    if (active.length > SOME) names.push(h("li", {}, `and ${active.length - SOME} more`));
    const off = h("button", { type: "button", onclick: clear }, "All off");
    return h(
      "div",
      { class: "alarm" },
      h("a", { href: place.spell("faults", context.filter) }, `${count(active.length, "fault")} active`),
      h("ul", {}, names),
      active.some((rule) => rule.scope !== "file") && off,
    );
  }

  async function clear() {
    context.say(`${count(await context.rules.drop(context.rules.list), "fault")} off`);
    document.getElementById("content").focus();
  }

  return { draw };
}
