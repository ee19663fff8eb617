// The outcome of a request as a sign, its status and a word.

import { outcomeOf } from "../data/outcome.js";
import { h } from "../lib/dom.js";

/** @import { Outcome } from "../data/outcome.js" */

/**
 * Create the badge.
 * @param {Outcome} request
 */
export function createOutcomeBadge(request) {
  const { kind, sign, word, status } = outcomeOf(request);
  return h("span", { class: `outcome ${kind}`, "data-sign": sign, title: word }, status, h("span", { class: "word" }, ` ${word}`));
}
