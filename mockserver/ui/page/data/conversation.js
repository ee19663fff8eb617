// A request and its response as a conversation, whether the response is a body or a stream.

import { parseJson } from "../lib/json.js";
import { inputMessages, outputMessages } from "./response-items.js";

/** @import { RequestView } from "./request-store.js" */
/** @import { Mismatch } from "./match-diff.js" */

/** @typedef {{fixture: string, source: string, differences: Mismatch[]}} NearMiss */

/**
 * A response as it was sent; `events` are those of a stream, `at_ms` is null while it is open.
 * @typedef {object} ResponseView
 * @property {number} status
 * @property {Record<string, string>} headers
 * @property {string | null} [body]
 * @property {{at_ms: number | null, data: string}[] | null} [events]
 */

/**
 * A request as the admin API describes it in detail.
 * @typedef {RequestView & {request: {headers: Record<string, string>, query: string, body: any}, response: ResponseView | null,
 *   near_misses: NearMiss[], curl: string}} RequestDetail
 */

/**
 * @typedef {object} Message
 * @property {string} role
 * @property {string} name
 * @property {string} text
 * @property {string} reasoning
 * @property {{name: string, arguments: string}[]} toolCalls
 * @property {string[]} images URLs
 */

/**
 * Return the messages of a request, then those of its response.
 * @param {RequestDetail} detail
 * @returns {Message[]}
 */
export function buildConversation({ request, response }) {
  const body = request.body ?? {};
  const prompt = body.prompt ? [{ role: "user", content: body.prompt }] : [];
  const messages = Array.isArray(body.messages) ? body.messages : [...prompt, ...inputMessages(body)];
  const objects = messages.filter((/** @type {unknown} */ message) => message && typeof message === "object");
  return [...objects, ...responseMessages(response)].map(toMessage);
}

/**
 * Return the messages of a response, one for each choice, none if it is not a completion.
 * @param {ResponseView | null} response
 * @returns {any[]}
 */
export function responseMessages(response) {
  if (!response) return [];
  const bodies = response.events ? response.events.map(({ data }) => parseJson(data)) : [parseJson(response.body ?? "")];
  const items = outputMessages(bodies);
  if (items.length) return items;
  if (response.events) return joinChunks(bodies);
  return (bodies[0]?.choices ?? []).map((/** @type {any} */ choice) => ({ role: "assistant", ...choice.message }));
}

/**
 * Return the milliseconds until the first content of a stream was sent, null without content.
 * @param {ResponseView | null} response
 * @returns {number | null}
 */
export function firstTokenMs(response) {
  return (response?.events ?? []).find(({ data }) => hasContent(parseJson(data)))?.at_ms ?? null;
}

/** @param {any} event */
function hasContent(event) {
  if (/^response\..*\.delta$/.test(event?.type)) return true;
  return event?.choices?.some((/** @type {any} */ { delta }) => delta?.content || delta?.refusal || delta?.reasoning_content || delta?.tool_calls?.length);
}

/**
 * Return the token counts that a response states: `12 in, 30 out`.
 * @param {ResponseView | null} response
 */
export function describeUsage(response) {
  const bodies = [response?.body ?? "", ...(response?.events ?? []).map(({ data }) => data)];
  const usage = bodies.map(parseJson).map((body) => body?.usage ?? body?.response?.usage).findLast(Boolean);
  if (!usage) return "";
  return `${usage.prompt_tokens ?? usage.input_tokens ?? 0} in, ${usage.completion_tokens ?? usage.output_tokens ?? 0} out`;
}

/**
 * Return the message of a vendor's error, null if the response is not an error.
 * @param {ResponseView | null} response
 * @returns {string | null}
 */
export function errorMessage(response) {
  const body = response?.body ? parseJson(response.body) : null;
  const error = body?.error ?? body?.detail ?? body?.message;
  if (!error || body.choices) return null;
  return typeof error === "string" ? error : (error.message ?? JSON.stringify(error));
}

/**
 * @param {any} message
 * @returns {Message}
 */
function toMessage({ role, name, content, reasoning_content, refusal, tool_calls, tool_call_id }) {
  /** @type {any[]} */
  const parts = Array.isArray(content) ? content : [{ type: "text", text: content ?? refusal ?? "" }];
  return {
    role: role ?? "assistant",
    name: name ?? tool_call_id ?? "",
    text: parts.map((part) => part.text ?? "").filter(Boolean).join("\n"),
    reasoning: reasoning_content ?? "",
    toolCalls: (tool_calls ?? []).map((/** @type {any} */ call) => call.function).filter(Boolean),
    images: parts.map((part) => part.image_url?.url ?? part.image_url).filter((url) => typeof url === "string"),
  };
}

/**
 * Join the chunks of a stream into one message for each choice.
 * @param {any[]} events
 */
function joinChunks(events) {
  /** @type {any[]} */
  const messages = [];
  for (const { index = 0, delta = {} } of events.flatMap((event) => event?.choices ?? [])) {
    addDelta((messages[index] ??= emptyMessage()), delta);
  }
  return messages.filter(Boolean);
}

/**
 * A message that grows with each chunk of a stream.
 * @typedef {{role: string, content: string, reasoning_content: string, tool_calls: {function: {name: string, arguments: string}}[]}}
 *   GrowingMessage
 */

/** @returns {GrowingMessage} */
export function emptyMessage() {
  return { role: "assistant", content: "", reasoning_content: "", tool_calls: [] };
}

/**
 * Add the delta of a chunk, or a whole message, to a message.
 * @param {GrowingMessage} message
 * @param {any} delta
 */
export function addDelta(message, delta) {
  message.content += delta.content ?? delta.refusal ?? "";
  message.reasoning_content += delta.reasoning_content ?? "";
  for (const [position, { index = position, function: part = {} }] of (delta.tool_calls ?? []).entries()) {
    const call = (message.tool_calls[index] ??= { function: { name: "", arguments: "" } });
    call.function.name += part.name ?? "";
    call.function.arguments += part.arguments ?? "";
  }
}
