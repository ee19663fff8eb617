// An event stream, read: text in, in pieces cut anywhere; events out.
// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation

/** Returns a function that takes the next piece and gives the events it completes: `{type, data, id}`. */
export function createSseParser() {
  let rest = "";
  let id = "";
  let type = "";
  let data = [];

  function line(text, events) {
    if (text === "") {
      if (data.length) events.push({ type: type || "message", data: data.join("\n"), id });
      type = "";
      data = [];
      return;
    }
    const colon = text.indexOf(":");
    if (colon === 0) return; // a comment
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(colon + 1).replace(/^ /, "");
    if (field === "data") data.push(value);
    else if (field === "event") type = value;
    else if (field === "id" && !value.includes("\0")) id = value;
  }

  return (piece) => {
    const events = [];
    // A CR at the very end may be the first half of a CRLF: it waits for what follows.
    const text = rest + piece;
    const whole = text.endsWith("\r") ? text.slice(0, -1) : text;
    const lines = whole.split(/\r\n|\n|\r/);
    rest = lines.pop() + text.slice(whole.length);
    for (const one of lines) line(one, events);
    return events;
  };
}
