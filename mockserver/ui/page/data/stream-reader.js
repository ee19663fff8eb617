// What is heard of a vendor, as it comes: the answer of one request, from the first byte to whatever ends it.

import { createSseParser } from "../lib/sse-parser.js";

/** Asks, and calls `news` whenever more of the answer is known. Returns the answer at once; it grows. */
export function streamRequest({ url, headers, body }, signal, news) {
  const began = performance.now();
  const answer = {
    status: 0,
    headers: [],
    first_byte_ms: null,
    first_token_ms: null,
    total_ms: null,
    ended: null, // as of a request in the journal
    fault: null,
    streamed: false,
    raw: "",
    events: 0,
    texts: [], // by choice: {reasoning, text, calls}
    notes: [], // what is odd about it
  };
  const sent = { method: "POST", headers, body: JSON.stringify(body), signal, cache: "no-store", credentials: "omit" };
  follow(answer, () => performance.now() - began, url, sent, news);
  return answer;
}

async function follow(answer, past, url, sent, news) {
  const { signal } = sent;
  try {
    const response = await fetch(url, sent);
    answer.status = response.status;
    answer.headers = [...response.headers];
    answer.first_byte_ms = past();
    answer.streamed = (response.headers.get("content-type") ?? "").startsWith("text/event-stream");
    news();
    await read(answer, response.body, past, news);
    answer.ended = "finished";
  } catch {
    answer.ended = signal.aborted ? "left" : "dropped";
    answer.notes.push(signal.aborted ? "You stopped listening." : cut(answer));
  }
  answer.total_ms = past();
  news();
}

async function read(answer, body, past, news) {
  const events = createSseParser();
  // Decoded here: what waits in a pipe is lost when the connection breaks.
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let done = false;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const text = decoder.decode(part.value, { stream: true });
    answer.raw += text;
    for (const event of answer.streamed ? events(text) : []) {
      answer.events += 1;
      if (event.data === "[DONE]") done = true;
      else take(answer, event.data, past);
    }
    news();
  }
  if (answer.streamed && !done) answer.notes.push("The stream ended without [DONE].");
  if (!answer.streamed) whole(answer);
}

function take(answer, data, past) {
  const told = parsed(data);
  if (told === undefined) {
    answer.notes.push(`Event ${answer.events} is no JSON: ${clipped(data)}`);
    return;
  }
  if (!told?.choices) answer.notes.push(`Event ${answer.events} is no part of an answer: ${clipped(data)}`);
  for (const choice of told?.choices ?? []) {
    if (add(answer, choice.index ?? 0, choice.delta ?? {})) answer.first_token_ms ??= past();
  }
}

function whole(answer) {
  const told = parsed(answer.raw);
  if (answer.status >= 400) return;
  if (told === undefined) answer.notes.push("The body is no JSON.");
  for (const choice of told?.choices ?? []) add(answer, choice.index ?? 0, choice.message ?? {});
}

/** Whether there was something to say. */
function add(answer, index, said) {
  const text = said.content ?? said.refusal ?? "";
  const reasoning = said.reasoning_content ?? "";
  const calls = (said.tool_calls ?? []).map(({ function: one = {} }) => (one.name ? `\n${one.name} ` : "") + (one.arguments ?? ""));
  if (!text && !reasoning && !calls.length) return false;
  const before = answer.texts[index] ?? { text: "", reasoning: "", calls: "" };
  answer.texts[index] = {
    text: before.text + text,
    reasoning: before.reasoning + reasoning,
    calls: before.calls + calls.join(""),
  };
  return true;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function clipped(text) {
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}

function cut({ status, streamed, events }) {
  if (!status) return "The connection broke before anything was heard.";
  return streamed ? `The connection broke after ${events} event${events === 1 ? "" : "s"}.` : "The connection broke within the body.";
}
