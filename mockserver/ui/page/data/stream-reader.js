// The response to one request, read as it arrives, from the first byte until it ends or breaks.

import { parseJson } from "../lib/json.js";
import { createSseParser } from "../lib/sse-parser.js";
import { formatCount } from "../lib/format.js";
import { addDelta, emptyMessage, responseMessages } from "./conversation.js";

/** @import { GrowingMessage, RequestDetail } from "./conversation.js" */
/** @import { BuiltRequest } from "./request-builder.js" */

/**
 * A response that grows while it is read.
 * @typedef {object} LiveResponse
 * @property {number} status
 * @property {[string, string][]} headers
 * @property {number | null} first_byte_ms
 * @property {number | null} first_token_ms
 * @property {number | null} total_ms
 * @property {string | null} ended as of a request in the journal
 * @property {null} fault
 * @property {boolean} isStream
 * @property {string} raw
 * @property {number} events
 * @property {GrowingMessage[]} choices
 * @property {string[]} notes what is unusual about it
 * @property {number | null} sent events that the server sent before the connection broke, null if not known
 */

/**
 * Send a request. Return the response at once; it grows, and `onChange` is called whenever it has.
 * @param {BuiltRequest} request
 * @param {AbortSignal} signal
 * @param {() => void} onChange
 */
export function streamRequest({ url, headers, body }, signal, onChange) {
  /** @type {LiveResponse} */
  const response = {
    status: 0,
    headers: [],
    first_byte_ms: null,
    first_token_ms: null,
    total_ms: null,
    ended: null,
    fault: null,
    isStream: false,
    raw: "",
    events: 0,
    choices: [],
    notes: [],
    sent: null,
  };
  const began = performance.now();
  new ResponseReader(response, () => performance.now() - began, onChange).read(url, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
    signal,
    cache: "no-store",
    credentials: "omit",
  });
  return response;
}

/**
 * Complete a response whose connection broke with what the server has sent: a browser discards what it has not read.
 * @param {LiveResponse} response
 * @param {RequestDetail} detail
 */
export function completeBroken(response, detail) {
  const events = detail.response?.events;
  if (!events?.length || !detail.response) return;
  response.isStream = true;
  response.status = detail.response.status;
  response.first_byte_ms ??= detail.first_byte_ms;
  response.sent = events.length;
  response.choices = responseMessages(detail.response);
  response.notes = [`The connection broke after ${formatCount(events.length, "event")}${discarded(response)}.`];
}

/** @param {LiveResponse} response */
function discarded({ sent, events }) {
  return sent === null || events >= sent ? "" : `, of which the browser discarded ${sent - events}`;
}

/** Reader that fills a LiveResponse. */
class ResponseReader {
  /**
   * @param {LiveResponse} response
   * @param {() => number} elapsed milliseconds since the request
   * @param {() => void} onChange
   */
  constructor(response, elapsed, onChange) {
    this.response = response;
    this.elapsed = elapsed;
    this.onChange = onChange;
    this.isDone = false; // whether the stream has sent [DONE]
  }

  /**
   * @param {string} url
   * @param {RequestInit} init
   */
  async read(url, init) {
    const { response } = this;
    try {
      const answer = await fetch(url, init);
      response.status = answer.status;
      response.headers = [...answer.headers];
      response.first_byte_ms = this.elapsed();
      response.isStream = (answer.headers.get("content-type") ?? "").startsWith("text/event-stream");
      this.onChange();
      if (answer.body) await this.readBody(answer.body);
      response.ended = "finished";
    } catch {
      response.ended = init.signal?.aborted ? "left" : "dropped";
      response.notes.push(init.signal?.aborted ? "You stopped the request." : describeBreak(response));
    }
    response.total_ms = this.elapsed();
    this.onChange();
  }

  /** @param {ReadableStream<Uint8Array<ArrayBuffer>>} body */
  async readBody(body) {
    const { response } = this;
    const parse = createSseParser();
    // Not piped through a TextDecoderStream: data in a pipe is lost when the connection breaks.
    const decoder = new TextDecoder();
    const reader = body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const text = decoder.decode(part.value, { stream: true });
      response.raw += text;
      for (const { data } of response.isStream ? parse(text) : []) this.addEvent(data);
      this.onChange();
    }
    if (response.isStream && !this.isDone) response.notes.push("The stream ended without [DONE].");
    if (!response.isStream) this.addBody();
  }

  /** @param {string} data */
  addEvent(data) {
    const { response } = this;
    response.events += 1;
    if (data === "[DONE]") {
      this.isDone = true;
      return;
    }
    const chunk = parseJson(data);
    const problem = chunk === undefined ? "is not JSON" : chunk?.choices ? "" : "is not a completion chunk";
    if (problem) response.notes.push(`Event ${response.events} ${problem}: ${truncate(data)}`);
    for (const choice of chunk?.choices ?? []) {
      if (addToChoice(response, choice.index ?? 0, choice.delta ?? {})) response.first_token_ms ??= this.elapsed();
    }
  }

  addBody() {
    const { response } = this;
    if (response.status >= 400) return;
    const body = parseJson(response.raw);
    if (body === undefined) response.notes.push("The body is not JSON.");
    for (const choice of body?.choices ?? []) addToChoice(response, choice.index ?? 0, choice.message ?? {});
  }
}

/**
 * Add a message, or a part of one, to a choice. Return whether there was any content.
 * @param {LiveResponse} response
 * @param {number} index
 * @param {any} delta
 */
function addToChoice(response, index, delta) {
  if (!delta.content && !delta.refusal && !delta.reasoning_content && !delta.tool_calls?.length) return false;
  addDelta((response.choices[index] ??= emptyMessage()), delta);
  return true;
}

/** @param {LiveResponse} response */
function describeBreak({ status, isStream, events }) {
  if (!status) return "The connection broke before a response arrived.";
  return isStream ? `The connection broke after ${formatCount(events, "event")}.` : "The connection broke within the body.";
}

/** @param {string} text */
function truncate(text) {
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}
