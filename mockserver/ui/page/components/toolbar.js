// The tools above the requests and the timeline: the filter, how much of all it shows, pause and clear.

import { requestJson } from "../lib/api.js";
import { setOptions, h, setText } from "../lib/dom.js";
import { STATUS_OPTIONS } from "../data/request-filter.js";
import * as place from "../lib/hash-route.js";
import { formatCount } from "../lib/format.js";

/** `extra` are tools of the view's own. `draw(shown, all)` brings it up to date. */
export function createToolbar(context, ...extra) {
  const choice = (field, label) =>
    h("select", { "aria-label": label, name: field, onchange: (event) => place.replaceQuery({ [field]: event.target.value }) });
  const search = h("input", {
    type: "search",
    name: "q",
    placeholder: "Search",
    "aria-label": "Search in messages, names and ids",
    oninput: (event) => place.replaceQuery({ q: event.target.value }),
  });
  const session = choice("session", "Session");
  const vendor = choice("vendor", "Vendor");
  const status = choice("status", "Outcome");
  const told = h("span", { class: "count" });
  const pause = h("button", { type: "button", "aria-pressed": "false", onclick: () => context.pause() }, "Pause");
  const clear = h("button", { type: "button", onclick: () => forget(context) }, "Clear");
  // On a phone the choices are folded away behind a button; elsewhere there is room.
  const more = h("button", { type: "button", class: "more", "aria-expanded": "false" }, "Filter");
  const choices = h("div", { class: "choices" }, session, vendor, status, ...extra);
  more.addEventListener("click", () => more.setAttribute("aria-expanded", String(choices.classList.toggle("unfolded"))));
  const element = h(
    "div",
    { class: "tools", role: "search", "aria-label": "Filter" },
    search,
    more,
    choices,
    h("div", { class: "ends" }, told, pause, clear),
  );

  function draw(shown, all, what = "request") {
    const { filter, paused, missed } = context;
    const names = (field) => [...new Set(all.map((one) => one[field]).filter(Boolean))].sort();
    if (search.value !== filter.q) search.value = filter.q;
    setOptions(session, [["", "all sessions"], ...names("session").map((one) => [one, one])], filter.session);
    setOptions(vendor, [["", "all vendors"], ...names("vendor").map((one) => [one, one])], filter.vendor);
    setOptions(status, STATUS_OPTIONS, filter.status);
    setText(told, paused && missed ? `paused, ${missed} more since` : formatCount(shown, what));
    pause.setAttribute("aria-pressed", String(paused));
    setText(pause, paused ? "Resume" : "Pause");
    clear.title = filter.session ? `Forget the requests of ${filter.session}` : "Forget all requests";
  }

  return { element, draw };
}

async function forget(context) {
  const { session } = context.filter;
  const { deleted } = await requestJson("DELETE", `/requests${session ? `?session=${encodeURIComponent(session)}` : ""}`);
  context.book.forget(session);
  context.say(`${formatCount(deleted, "request")} forgotten`);
  context.ask();
}
