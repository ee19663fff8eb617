// Where the answer to a request came from: a fixture, a fault rule, or the kind of the answer.

/** @import { RequestView } from "./request-store.js" */

const KINDS = {
  answered: "",
  generated: "generated",
  refused: "refused",
  injected: "injected",
  unmatched: "not matched",
  unknown_path: "no such path",
  forwarded: "forwarded",
};

const EXPLANATIONS = {
  answered: "",
  generated: "No fixture matched; the reply was generated.",
  refused: "The request was refused before a fixture answered.",
  injected: "No fixture matched; an error or fault was injected.",
  unmatched: "No fixture matched.",
  unknown_path: "There is no such path or method, so no fixture could match.",
  forwarded: "The real vendor answered.",
};

/**
 * Return the source of an answer in a few words: `hello`, `rule r-1`, `refused`, `generated (nearest: hello)`.
 * @param {Pick<RequestView, "rule" | "fixture" | "outcome"> & {nearest?: string | null}} request
 */
export function describeSource({ rule, fixture, outcome, nearest }) {
  if (rule) return `rule ${rule}`;
  if (!fixture && nearest && outcome) return `${KINDS[outcome]} (nearest: ${nearest})`;
  return fixture ?? ((outcome && KINDS[outcome]) || "–");
}

/**
 * Return why no fixture answered, in a sentence.
 * @param {Pick<RequestView, "outcome">} request
 */
export function explainMissingFixture({ outcome }) {
  return (outcome && EXPLANATIONS[outcome]) || "No fixture matched.";
}
