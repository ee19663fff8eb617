// What became of a request: one of a few kinds, each with a sign and a word, so that colour never speaks alone.

const SIGNS = {
  ok: ["✓", "answered"],
  limited: ["◆", "rate limited"],
  refused: ["▲", "refused"],
  failed: ["✕", "failed"],
  cut: ["✂\uFE0E", "cut off"],
  spoiled: ["◐", "spoiled"],
  left: ["↩", "client left"],
  open: ["○", "open"],
};

/** Every kind with its sign and word. */
export function listOutcomes() {
  return Object.entries(SIGNS).map(([kind, [sign, word]]) => [kind, sign, word]);
}

/** `{kind, sign, word, status}`; status is what a person calls it: a number, or what was heard in its place. */
export function outcomeOf(request) {
  const kind = kindOf(request);
  const [sign, word] = SIGNS[kind];
  // Who left before the first byte has heard no status, whatever was decided.
  const heard = request.status && (request.first_byte_ms !== null || kind === "open");
  return { kind, sign, word, status: heard ? String(request.status) : kind === "open" ? "" : "none" };
}

/** Whether a client would try such a request again. */
export function isFailure(request) {
  const kind = kindOf(request);
  return kind !== "ok" && kind !== "open";
}

function kindOf(request) {
  const { ended, status, fault } = request;
  if (ended === null) return "open";
  if (ended === "left") return "left";
  if (status === 429) return "limited";
  if (status >= 500) return "failed";
  if (status >= 400) return "refused";
  if (ended === "dropped") return "cut";
  if (ended === "closed") return "cut";
  // A slow line or an odd comment spoils nothing that a reader may not take.
  return fault && !HARMLESS.has(fault.split(/[=@]/)[0]) ? "spoiled" : "ok";
}

const HARMLESS = new Set(["slow", "comments", "crlf", "no_space", "multiline_data", "split_utf8"]);
