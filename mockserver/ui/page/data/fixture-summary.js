// A fixture in a few words: what it waits for, what it says, and what has become of it.

import { baseName } from "../lib/format.js";

export const STATE_OPTIONS = [
  ["", "all fixtures"],
  ["unused", "never used"],
  ["shadowed", "shadowed"],
  ["added", "added while it runs"],
];

/** Whether a fixture is among those looked at. */
export function matchesFixtureFilter(one, { q, state }) {
  const is = { unused: one.never_used, shadowed: one.shadowed_by !== null, added: one.scope !== "file" }[state] ?? true;
  return is && (!q || `${one.name}\n${one.source}\n${JSON.stringify(one.definition)}`.toLowerCase().includes(q.toLowerCase()));
}

/** What it waits for: `user weather, stream true`. */
export function describeMatch({ definition }) {
  const parts = Object.entries(definition?.match ?? {}).map(([field, value]) => `${field} ${plain(value)}`);
  return parts.join(", ") || "anything";
}

/** What it says, the first of it in a sequence. */
export function describeResponse({ definition }) {
  const { response, responses } = definition ?? {};
  if (responses) return `${responses.length} in turn: ${spoken(responses[0])}`;
  return spoken(response);
}

/** Where it stands. */
export function fixtureOrigin({ scope, session, source }) {
  if (scope === "file") return baseName(source);
  return scope === "session" ? `added for ${session}` : "added for all";
}

function spoken(response) {
  if (typeof response === "number") return `status ${response}`;
  if (response === undefined || typeof response !== "object") return String(response ?? "");
  const { text, error, template } = response;
  if (text !== undefined && !template) return String(text);
  if (error !== undefined) return `status ${error}`;
  const [first] = Object.entries(response);
  return first ? `${first[0]} ${plain(first[1])}` : "";
}

function plain(value) {
  if (Array.isArray(value)) return value.map(plain).join(" or ");
  if (value === null || typeof value !== "object") return String(value);
  return Object.entries(value)
    .map(([word, one]) => (word === "equals" ? `“${one}”` : `${word} ${plain(one)}`))
    .join(" and ");
}
