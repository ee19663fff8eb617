// A parser of event streams (server-sent events) that accepts text in pieces of any size.
// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation

/** @typedef {{type: string, data: string, id: string}} SseEvent */

/** Return a function that takes the next piece of text and returns the events that it completes. */
export function createSseParser() {
  let rest = "";
  let id = "";
  let type = "";
  /** @type {string[]} */
  let data = [];

  /**
   * @param {string} line
   * @param {SseEvent[]} events
   */
  function parseLine(line, events) {
    if (line === "") {
      if (data.length) events.push({ type: type || "message", data: data.join("\n"), id });
      type = "";
      data = [];
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") data.push(value);
    else if (field === "event") type = value;
    else if (field === "id" && !value.includes("\0")) id = value;
  }

  /** @param {string} piece */
  return (piece) => {
    /** @type {SseEvent[]} */
    const events = [];
    // A CR at the end may be the first half of a CRLF: it is kept for the next piece.
    const text = rest + piece;
    const whole = text.endsWith("\r") ? text.slice(0, -1) : text;
    const lines = whole.split(/\r\n|\n|\r/);
    rest = lines.pop() + text.slice(whole.length);
    for (const line of lines) parseLine(line, events);
    return events;
  };
}
