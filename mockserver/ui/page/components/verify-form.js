// The form that checks which requests arrived, and its result with the requests that match and those that nearly do.

import { ApiError, sendYaml, sessionQuery } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { createField } from "../lib/form-field.js";
import { formatCount } from "../lib/format.js";
import { hashWith } from "../lib/hash-route.js";

/** @import { AppContext } from "../data/app-context.js" */

/** @typedef {{field: string, expected: string, found: string}} Difference */
/** @typedef {{id: string, differences: Difference[]}} NearMiss */

/** @param {AppContext} context */
export function createVerifyForm(context) {
  const match = h("textarea", { name: "match", rows: "3", class: "mono", spellcheck: "false" });
  const least = createNumberInput("min", "1");
  const most = createNumberInput("max", "no limit");
  const result = h("div", { class: "verify-result", role: "status" });
  match.value = "user: Hello";

  /** @param {Event} event */
  async function verify(event) {
    event.preventDefault();
    const query = `/verify${sessionQuery(context.filter.session)}`;
    try {
      const { count, requests } = await sendYaml("POST", query, buildQuery(match.value, least.value, most.value));
      result.replaceChildren(h("p", { class: "note ok", "data-sign": "✓" }, `As expected: ${formatCount(count, "matching request")}.`), ...createMatches(requests));
    } catch (error) {
      const { message, details = {} } = /** @type {ApiError} */ (error);
      result.replaceChildren(
        h("p", { class: "note failed", "data-sign": "✕" }, message),
        ...createMatches(details.requests ?? []),
        ...createNearMisses(details.nearest ?? []),
      );
    }
  }

  return h(
    "form",
    { class: "panel", "aria-label": "Verify requests", onsubmit: verify },
    h("header", {}, h("h2", {}, "Verify requests"), h("span", { class: "muted" }, "Compare the number of matching requests with the one that you expect.")),
    createField("YAML: a match as in a fixture, or nothing for all requests", match),
    h(
      "div",
      { class: "form-row" },
      createField("At least", least),
      createField("At most", most),
      h("div", { class: "buttons" }, h("button", { class: "primary" }, "Verify")),
    ),
    result,
  );
}

/**
 * @param {string} name
 * @param {string} placeholder
 */
function createNumberInput(name, placeholder) {
  return h("input", { type: "number", name, min: "0", placeholder, autocomplete: "off" });
}

/**
 * Return the query as YAML: the match is indented, so that it may have any number of lines.
 * @param {string} match
 * @param {string} least
 * @param {string} most
 */
function buildQuery(match, least, most) {
  const lines = match.trim() ? ["match:", ...match.split("\n").map((line) => `  ${line}`)] : ["match: {}"];
  const bounds = [`min: ${least || (most ? 0 : 1)}`, ...(most ? [`max: ${most}`] : [])];
  return [...lines, `count: {${bounds.join(", ")}}`].join("\n");
}

/** @param {string[]} ids */
function createMatches(ids) {
  if (!ids.length) return [];
  return [h("h3", {}, "Matching requests"), h("ul", { "aria-label": "Matching requests" }, ids.map((id) => h("li", {}, createLink(id))))];
}

/** @param {NearMiss[]} nearest */
function createNearMisses(nearest) {
  if (!nearest.length) return [];
  const items = nearest.map(({ id, differences }) =>
    h(
      "li",
      {},
      createLink(id),
      differences.map(({ field, expected, found }) => h("p", {}, h("b", {}, field), `: expected ${expected}, found ${found}`)),
    ),
  );
  return [h("h3", {}, "Near misses"), h("ul", { "aria-label": "Near misses" }, items)];
}

/** @param {string} id */
function createLink(id) {
  return h("a", { href: hashWith({ id }) }, id);
}
