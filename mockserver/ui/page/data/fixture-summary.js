// Short descriptions of a fixture: what it matches, its response, where it was made.

import { baseName } from "../lib/format.js";

/**
 * A fixture as the admin API lists it.
 * @typedef {object} FixtureView
 * @property {string} name
 * @property {"file" | "shared" | "session"} scope
 * @property {string | null} session
 * @property {string} source
 * @property {number} hits
 * @property {boolean} never_used
 * @property {string | null} shadowed_by
 * @property {Record<string, any> | null} definition
 */

/** @typedef {{q: string, state: string}} FixtureFilter */

export const STATE_OPTIONS = [
  ["", "all fixtures"],
  ["unused", "never used"],
  ["shadowed", "shadowed"],
  ["added", "added at run time"],
];

/**
 * Return whether a fixture matches a filter.
 * @param {FixtureView} fixture
 * @param {FixtureFilter} filter
 */
export function matchesFixtureFilter(fixture, { q, state }) {
  if (state === "unused" && !fixture.never_used) return false;
  if (state === "shadowed" && fixture.shadowed_by === null) return false;
  if (state === "added" && fixture.scope === "file") return false;
  const text = `${fixture.name}\n${fixture.source}\n${JSON.stringify(fixture.definition)}`;
  return text.toLowerCase().includes(q.toLowerCase());
}

/**
 * Describe what a fixture matches: `user weather, stream true`.
 * @param {FixtureView} fixture
 */
export function describeMatch({ definition }) {
  const parts = Object.entries(definition?.match ?? {}).map(([field, value]) => `${field} ${describeValue(value)}`);
  return parts.join(", ") || "any request";
}

/**
 * Describe the response of a fixture; of a sequence, its length and the first response.
 * @param {FixtureView} fixture
 */
export function describeResponse({ definition }) {
  const { response, responses } = definition ?? {};
  return responses ? `sequence of ${responses.length}: ${summarizeResponse(responses[0])}` : summarizeResponse(response);
}

/**
 * Describe where a fixture was made.
 * @param {FixtureView} fixture
 */
export function fixtureOrigin({ scope, session, source }) {
  if (scope === "file") return baseName(source);
  return scope === "session" ? `added for ${session}` : "added for all sessions";
}

/**
 * @param {any} response
 * @returns {string}
 */
function summarizeResponse(response) {
  if (typeof response === "number") return `status ${response}`;
  if (response === undefined || typeof response !== "object") return String(response ?? "");
  const { text, error, template } = response;
  if (text !== undefined && !template) return String(text);
  if (error !== undefined) return `status ${error}`;
  const [first] = Object.entries(response);
  return first ? `${first[0]} ${describeValue(first[1])}` : "";
}

/**
 * @param {any} value
 * @returns {string}
 */
function describeValue(value) {
  if (Array.isArray(value)) return value.map(describeValue).join(" or ");
  if (value === null || typeof value !== "object") return String(value);
  return Object.entries(value)
    .map(([operator, operand]) => (operator === "equals" ? `“${operand}”` : `${operator} ${describeValue(operand)}`))
    .join(" and ");
}
