// Durations, times and counts as people read them.

/**
 * Format milliseconds with at most three digits and a unit: `8 ms`, `320 ms`, `1.24 s`, `2 min 5 s`.
 * @param {number | null} ms
 */
export function formatDuration(ms) {
  if (ms === null) return "";
  if (ms < 9.95) return `${roundTo(ms, 1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9995) return `${roundTo(ms / 1000, 2)} s`;
  if (ms < 59950) return `${roundTo(ms / 1000, 1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return formatTwoUnits(seconds, 60, "min", "s");
  return formatTwoUnits(Math.round(seconds / 60), 60, "h", "min");
}

/**
 * Format the time of day, to the millisecond: `09:30:01.250`.
 * @param {number} timestamp milliseconds since 1970
 */
export function formatTime(timestamp) {
  const date = new Date(timestamp);
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => pad(part, 2)).join(":");
  return `${time}.${pad(date.getMilliseconds(), 3)}`;
}

/**
 * Format a number with its noun: `1 request`, `2,500 requests`.
 * @param {number} number
 * @param {string} noun in the singular; its plural has an s
 */
export function formatCount(number, noun) {
  return `${formatNumber(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/**
 * Format a whole number: `2,500`.
 * @param {number} number
 */
export function formatNumber(number) {
  return number.toLocaleString("en");
}

/**
 * Return a file name, with its line, without the folder.
 * @param {string} path
 */
export function baseName(path) {
  return path.slice(path.lastIndexOf("/") + 1);
}

/**
 * @param {number} value
 * @param {number} digits
 */
function pad(value, digits) {
  return String(value).padStart(digits, "0");
}

/**
 * @param {number} number in the small unit
 * @param {number} size of the large unit
 * @param {string} large
 * @param {string} small
 */
function formatTwoUnits(number, size, large, small) {
  return `${Math.floor(number / size)} ${large}${number % size ? ` ${number % size} ${small}` : ""}`;
}

/**
 * @param {number} number
 * @param {number} digits
 */
function roundTo(number, digits) {
  return String(Number(number.toFixed(digits)));
}
