// The outcome of a request as a sign, its status and a word.

import { outcomeOf } from "../data/outcome.js";
import { h } from "../lib/dom.js";

/** The outcome of a request, as a sign and words. */
export function createOutcomeBadge(request) {
  const { kind, sign, word, status } = outcomeOf(request);
  const text = [status, h("span", { class: "word" }, ` ${word}`)];
  return h("span", { class: `outcome ${kind}`, "data-sign": sign, title: word }, text);
}
