// The response to one request, read as it arrives, from the first byte until it ends or breaks.

import { parseJson } from "../lib/json.js";
import { createSseParser } from "../lib/sse-parser.js";
import { formatCount } from "../lib/format.js";
import { addDelta, emptyMessage, responseMessages } from "./conversation.js";
import { outputMessages, toChatDelta } from "./response-items.js";

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
 * @property {[string, number][]} types the types of its events in their order, each with the number in a row
 * @property {GrowingMessage[]} choices
 * @property {string[]} notes what is unusual about it
 * @property {number | null} sent events that the server sent before the connection broke, null if not known
 */

/**
 * Send a request. Return the response at once; it grows, and `onChange` is called whenever it has. `ended` resolves at
 * its end.
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
    types: [],
    choices: [],
    notes: [],
    sent: null,
  };
  const began = performance.now();
  const ended = new ResponseReader(response, () => performance.now() - began, onChange).read(url, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
    signal,
    cache: "no-store",
    credentials: "omit",
  });
  return { response, ended };
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
  response.choices = responseMessages(detail.response).map(toGrowing);
  response.notes = [`The connection broke after ${formatCount(events.length, "event")}${discarded(response)}.`];
}

/** @param {LiveResponse} response */
function discarded({ sent, events }) {
  return sent === null || events >= sent ? "" : `, of which the browser discarded ${sent - events}`;
}

const TERMINAL_EVENTS = new Set(["response.completed", "response.incomplete", "response.failed"]);

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
    this.isTyped = false; // whether its events have types, as those of the Responses API
    this.isDone = false; // whether the stream has sent its last event
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
      for (const { type, data } of response.isStream ? parse(text) : []) this.addEvent(type, data);
      this.onChange();
    }
    if (response.isStream && !this.isDone) response.notes.push(`The stream ended without ${this.isTyped ? "response.completed" : "[DONE]"}.`);
    if (!response.isStream) this.addBody();
  }

  /**
   * @param {string} type
   * @param {string} data
   */
  addEvent(type, data) {
    const { response } = this;
    response.events += 1;
    if (data === "[DONE]") {
      this.isDone = true;
      return;
    }
    const event = parseJson(data);
    if (type.startsWith("response.")) {
      this.addTypedEvent(type, event);
      return;
    }
    const problem = event === undefined ? "is not JSON" : event?.choices ? "" : "is not a completion chunk";
    if (problem) this.addProblem(problem, data);
    for (const choice of event?.choices ?? []) this.addPart(choice.index ?? 0, choice.delta ?? {});
  }

  /**
   * Add an event of the Responses API.
   * @param {string} type
   * @param {any} event
   */
  addTypedEvent(type, event) {
    const { types } = this.response;
    this.isTyped = true;
    const last = types.at(-1);
    if (last?.[0] === type) last[1] += 1;
    else types.push([type, 1]);
    if (event === undefined) this.addProblem("is not JSON", type);
    this.isDone ||= TERMINAL_EVENTS.has(type);
    this.addPart(0, toChatDelta(event ?? {}) ?? {});
  }

  /**
   * @param {string} problem
   * @param {string} data
   */
  addProblem(problem, data) {
    this.response.notes.push(`Event ${this.response.events} ${problem}: ${truncate(data)}`);
  }

  addBody() {
    const { response } = this;
    if (response.status >= 400) return;
    const body = parseJson(response.raw);
    if (body === undefined) response.notes.push("The body is not JSON.");
    for (const message of outputMessages([body])) addToChoice(response, 0, toGrowing(message));
    for (const choice of body?.choices ?? []) addToChoice(response, choice.index ?? 0, choice.message ?? {});
  }

  /**
   * @param {number} index of the choice
   * @param {any} delta
   */
  addPart(index, delta) {
    if (addToChoice(this.response, index, delta)) this.response.first_token_ms ??= this.elapsed();
  }
}

/**
 * Return a message with its content as a text.
 * @param {any} message
 */
function toGrowing(message) {
  const growing = emptyMessage();
  const { content } = message;
  const text = Array.isArray(content) ? content.map((part) => part.text ?? "").join("") : content;
  addDelta(growing, { ...message, content: text });
  return growing;
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
