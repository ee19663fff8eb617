// JSON texts that may be invalid.

/**
 * Return JSON with indentation; a text that is not JSON as it is.
 * @param {any} value
 * @returns {string}
 */
export function prettyJson(value) {
  const parsed = typeof value === "string" ? parseJson(value) : value;
  return parsed === undefined ? value : JSON.stringify(parsed, null, 2);
}

/**
 * Parse JSON; return undefined for a text that is not JSON.
 * @param {string} text
 */
export function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
