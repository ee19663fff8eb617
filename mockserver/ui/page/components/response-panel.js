// What was heard, beside what the OpenAI SDK makes of it: the playground's other half.

import { h, setText } from "../lib/dom.js";
import * as place from "../lib/hash-route.js";
import { createOutcomeBadge } from "./outcome-badge.js";
import { formatCount, formatDuration } from "../lib/format.js";

/** `draw(answer, told, vendor)`: what `hear` gave, and what `explain` says of it. */
export function createResponsePanel() {
  const status = h("span", { class: "what" });
  const times = h("span", { class: "times" });
  const link = h("a", { class: "fixed" });
  const said = h("div", { class: "said", "aria-live": "off" });
  const notes = h("div", { class: "notes" });
  const raises = h("p", { class: "raises unknown" });
  const why = h("dl", { class: "pairs" });
  const headers = h("dl", { class: "pairs fixed" });
  const raw = h("pre", { class: "code", tabindex: "0", "aria-label": "Body" });
  const element = h(
    "div",
    { class: "stack" },
    h(
      "article",
      { class: "panel", "aria-label": "Answer" },
      h("header", {}, h("h2", {}, "Answer"), status, times, h("span", { class: "ends" }, link)),
      said,
      notes,
    ),
    h("article", { class: "panel", "aria-label": "OpenAI SDK" }, h("header", {}, h("h3", {}, "What the OpenAI SDK raises")), raises, why),
    h(
      "article",
      { class: "panel", "aria-label": "As it was sent" },
      h("details", { open: true }, h("summary", {}, "Headers"), headers),
      h("details", {}, h("summary", {}, "Body, as it came"), raw),
    ),
  );

  function draw(answer, told, vendor) {
    drawAnswer(answer);
    drawTold(told, vendor);
  }

  function drawAnswer(answer) {
    said.classList.toggle("open", answer?.ended === null);
    if (!answer) {
      said.replaceChildren(h("p", { class: "soft" }, "Send something: it is heard here as it comes. Ctrl+Enter sends, too."));
      return;
    }
    status.replaceChildren(createOutcomeBadge(answer));
    times.replaceChildren(...timing(answer));
    const id = new Map(answer.headers).get("x-mock-request-id");
    link.hidden = !id;
    setText(link, id ?? "");
    link.href = place.formatHash("requests", { id });
    said.replaceChildren(...spoken(answer));
    notes.replaceChildren(...answer.notes.map((note) => h("p", { class: `note ${answer.ended === "left" ? "left" : "failed"}`, "data-sign": "!" }, note)));
    if (headers.childElementCount !== 2 * answer.headers.length) headers.replaceChildren(...pairs(answer.headers));
    setText(raw, answer.raw);
  }

  function drawTold(told, vendor) {
    const { kind, text } = verdict(told, vendor);
    raises.className = `raises ${kind}`;
    setText(raises, text);
    why.replaceChildren(
      ...pairs(
        [
          ["fixture", told?.fixture && `${told.fixture} (${told.source})`],
          ["why", told?.reason],
          ["fault", told?.fault],
        ].filter(([, value]) => value),
      ),
    );
  }

  return { element, draw };
}

function verdict(told, vendor) {
  if (!told) return { kind: "unknown", text: "Told when you send." };
  if (told.refused) return { kind: "unknown", text: told.refused };
  if (told.openai) return { kind: told.openai.exception ? "some" : "none", text: told.openai.text };
  const text = vendor.openai ? "Nobody has measured this one." : `No OpenAI client can be pointed at ${vendor.title}: its path is ${vendor.chat}.`;
  return { kind: "unknown", text };
}

function timing({ first_byte_ms: first, first_token_ms: token, total_ms: total, streamed, events }) {
  const parts = [
    ["first byte ", first],
    ["first token ", token],
    ["total ", total],
  ];
  const known = parts.filter(([, ms]) => ms !== null).map(([what, ms]) => [what, h("b", {}, formatDuration(ms))]);
  if (streamed) known.push([h("b", {}, formatCount(events, "event"))]);
  return known.flatMap((part, index) => (index ? [" · ", ...part] : part));
}

function spoken({ texts, status, raw, ended, streamed }) {
  const parts = [];
  for (const one of texts.filter(Boolean)) {
    if (one.reasoning) parts.push(h("p", { class: "thought" }, one.reasoning));
    if (one.text) parts.push(h("p", {}, one.text));
    if (one.calls) parts.push(h("pre", {}, one.calls.trim()));
  }
  if (!parts.length && ended !== null && raw && !streamed && status >= 400) parts.push(h("pre", {}, pretty(raw)));
  if (!parts.length) parts.push(h("p", { class: "soft" }, ended === null ? "" : "Nothing was said."));
  return parts;
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function pairs(entries) {
  return entries.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
}
