// The results of a request that the playground repeats: one line for each response, as soon as it has ended.

import { h, setText } from "../lib/dom.js";
import { formatDuration } from "../lib/format.js";
import { formatHash } from "../lib/hash-route.js";
import { createOutcomeBadge } from "./outcome-badge.js";

/** @import { LiveResponse } from "../data/stream-reader.js" */

/** Create the panel; `begin` empties it, `add` appends a response. */
export function createRepeatResults() {
  const count = h("span", { class: "muted", role: "status" });
  const list = h("ol");
  const element = h(
    "article",
    { class: "panel repeat-results", "aria-label": "Repeated requests", hidden: true },
    h("header", {}, h("h3", {}, "Repeated requests"), count),
    list,
  );
  let planned = 0;

  /** @param {number} number of requests that will be sent */
  function begin(number) {
    planned = number;
    element.hidden = number === 1;
    list.replaceChildren();
    setText(count, "");
  }

  /** @param {LiveResponse} response */
  function add(response) {
    const id = new Map(response.headers).get("x-mock-request-id");
    const parts = [createOutcomeBadge(response), ` ${formatDuration(response.total_ms)} `];
    list.append(h("li", {}, parts, id && h("a", { class: "mono", href: formatHash("requests", { id }) }, id)));
    setText(count, `${list.childElementCount} of ${planned}`);
  }

  return { element, begin, add };
}
