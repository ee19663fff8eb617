// A match beside a request: for each of its fields, whether it held, and what was found where it did not.

/**
 * `match` is what a fixture has written, `differences` what a request missed of it. Returns
 * `[{field, holds, expected, found}]` in the order in which the fields are written.
 */
export function diffMatch(match, differences) {
  const missed = differences.map(({ field, expected, found }) => ({ field, holds: false, expected, found }));
  const fields = Object.entries(match ?? {}).flatMap(([field, value]) => (NESTED.has(field) ? nested(field, value) : [[field, value]]));
  const rows = fields.flatMap(([field, value]) => {
    const own = missed.filter((one) => of(one.field, field));
    return own.length ? own : [{ field, holds: true, expected: spelled(value), found: "" }];
  });
  return [...rows, ...missed.filter((one) => !rows.includes(one))];
}

const NESTED = new Set(["body", "header"]);

function nested(field, value) {
  if (!value || typeof value !== "object") return [[field, value]];
  return Object.entries(value).map(([name, one]) => [`${field}.${name}`, one]);
}

function of(missed, field) {
  return missed === field || missed.startsWith(`${field}.`);
}

function spelled(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}
