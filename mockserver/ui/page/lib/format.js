// Times and counts as a person reads them.

/** Milliseconds in at most three digits and a unit: `8 ms`, `320 ms`, `1.24 s`, `2 min 5 s`. */
export function formatDuration(ms) {
  if (ms == null) return "";
  if (ms < 9.95) return `${trimmed(ms, 1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9995) return `${trimmed(ms / 1000, 2)} s`;
  if (ms < 59950) return `${trimmed(ms / 1000, 1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return two(seconds, 60, "min", "s");
  return two(Math.round(seconds / 60), 60, "h", "min");
}

/** The time of day, to the millisecond. */
export function formatTime(at) {
  const date = new Date(at);
  const part = (value, width = 2) => String(value).padStart(width, "0");
  const day = [date.getHours(), date.getMinutes(), date.getSeconds()].map((one) => part(one)).join(":");
  return `${day}.${part(date.getMilliseconds(), 3)}`;
}

/** `1 request`, `2,500 requests`. */
export function formatCount(number, what) {
  return `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;
}

/** A file and line without its folder. */
export function baseName(source) {
  return source.slice(source.lastIndexOf("/") + 1);
}

function two(number, size, large, small) {
  return `${Math.floor(number / size)} ${large}${number % size ? ` ${number % size} ${small}` : ""}`;
}

function trimmed(number, digits) {
  return String(Number(number.toFixed(digits)));
}
