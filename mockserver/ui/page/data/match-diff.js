// The comparison of a fixture's match with a request, field by field.

/** @typedef {{field: string, expected: string, found: string}} Mismatch */
/** @typedef {Mismatch & {isMatched: boolean}} FieldResult */

const NESTED_FIELDS = new Set(["body", "header"]);

/**
 * Return for each field of a match whether the request matched it, in the order of the match.
 * @param {Record<string, unknown> | undefined} match as it stands in the fixture
 * @param {Mismatch[]} mismatches the fields that the request did not match
 */
export function diffMatch(match, mismatches) {
  /** @type {FieldResult[]} */
  const failed = mismatches.map(({ field, expected, found }) => ({ field, isMatched: false, expected, found }));
  const rows = Object.entries(match ?? {})
    .flatMap(([field, value]) => flattenField(field, value))
    .flatMap(([field, value]) => {
      const own = failed.filter((row) => row.field === field || row.field.startsWith(`${field}.`));
      return own.length ? own : [{ field, isMatched: true, expected: toText(value), found: "" }];
    });
  return [...rows, ...failed.filter((row) => !rows.includes(row))];
}

/**
 * @param {string} field
 * @param {unknown} value
 * @returns {[string, unknown][]}
 */
function flattenField(field, value) {
  if (!NESTED_FIELDS.has(field) || !value || typeof value !== "object") return [[field, value]];
  return Object.entries(value).map(([name, nested]) => [`${field}.${name}`, nested]);
}

/** @param {unknown} value */
function toText(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}
