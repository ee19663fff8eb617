// A request as code for other clients, to copy: a curl command, or Python with the OpenAI SDK or requests.
//
// Parts of a journalled request were chosen by any client, web pages included. So each of them becomes one quoted
// word of the shell or one literal of Python, and names become keyword arguments only if they are known.

import { resolveUrl } from "../lib/api.js";

/** @import { RequestDetail } from "./conversation.js" */
/** @import { BuiltRequest, VendorView } from "./request-builder.js" */

/**
 * A request of any method. A body that is a string is sent as it is, anything else as JSON, null not at all.
 * @typedef {{method: string, url: string, headers: Record<string, string>, body: any}} AnyRequest
 */

// Keyword arguments of the SDK's chat.completions.create(); other fields go into extra_body.
const SDK_PARAMETERS = new Set([
  "model", "messages", "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs",
  "max_completion_tokens", "max_tokens", "metadata", "modalities", "n", "parallel_tool_calls", "prediction",
  "presence_penalty", "reasoning_effort", "response_format", "seed", "service_tier", "stop", "store", "stream",
  "stream_options", "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user",
]);

// Keyword arguments of the SDK's responses.create().
const RESPONSES_PARAMETERS = new Set([
  "model", "input", "instructions", "background", "include", "max_output_tokens", "metadata", "parallel_tool_calls",
  "previous_response_id", "reasoning", "service_tier", "store", "stream", "temperature", "text", "tool_choice", "tools",
  "top_logprobs", "top_p", "truncation", "user",
]);

// Control, formatting (also those that reverse text), private and unassigned characters, and line separators.
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/gu;
const MASKED = /^.{0,3}… \(key-[0-9a-f]{8}\)$/; // a secret, as the admin API shows it
const PLACEHOLDER_KEY = "any-key";

/**
 * Return a curl command for a POSIX shell.
 * @param {BuiltRequest} request
 */
export function curlCommand({ url, headers, body }) {
  const options = Object.entries(headers).map(([name, value]) => `-H ${quoteForShell(`${name}: ${value}`)}`);
  const flags = body.stream ? "-sN" : "-s";
  const data = `--data-raw ${quoteForShell(escapeInvisible(JSON.stringify(body), jsonEscape))}`;
  return [`curl ${flags} ${quoteForShell(url)}`, ...options, data].join(" \\\n  ");
}

/**
 * Return Python code for a journalled request, with a placeholder for the key.
 * @param {RequestDetail} detail
 * @param {string} name of the vendor
 * @param {VendorView} vendor
 */
export function pythonSnippet({ method, path, session, request }, name, vendor) {
  const { body, query } = request;
  const mockHeaders = { "x-mock-session": session };
  const isChat = method === "POST" && path === vendor.chat && body?.model !== undefined && body?.messages !== undefined;
  if (vendor.openai && isChat && !query) {
    return openaiSnippet({ baseUrl: resolveUrl(name + vendor.openai), key: PLACEHOLDER_KEY, body, headers: mockHeaders });
  }
  const key = vendor.key_scheme ? `${vendor.key_scheme} ${PLACEHOLDER_KEY}` : PLACEHOLDER_KEY;
  const contentType = request.headers["content-type"];
  const headers = { [vendor.key_header]: key, ...mockHeaders, ...(typeof body === "string" && contentType && { "content-type": contentType }) };
  return requestsSnippet({ method, url: resolveUrl(name + path) + withPlaceholders(query), headers, body });
}

/**
 * Return a query string to append to a URL, its masked secrets replaced by the placeholder.
 * @param {string} query
 */
function withPlaceholders(query) {
  const parameters = [...new URLSearchParams(query)].map(([parameter, value]) => [parameter, value.replace(MASKED, PLACEHOLDER_KEY)]);
  return query && `?${new URLSearchParams(parameters)}`;
}

/**
 * Return Python code that uses the OpenAI SDK.
 * @param {{baseUrl: string, key: string, headers: Record<string, string>, body: Record<string, any>}} request
 */
export function openaiSnippet({ baseUrl, key, headers, body }) {
  const isResponses = body.input !== undefined;
  const known = isResponses ? RESPONSES_PARAMETERS : SDK_PARAMETERS;
  const fields = Object.entries(body);
  const extra = fields.filter(([name]) => !known.has(name));
  const parameters = fields.filter(([name]) => known.has(name)).map(([name, value]) => `    ${name}=${pythonLiteral(value)},`);
  if (extra.length) parameters.push(`    extra_body=${pythonLiteral(Object.fromEntries(extra))},`);
  if (Object.keys(headers).length) parameters.push(`    extra_headers=${pythonLiteral(headers)},`);
  const client = `client = OpenAI(\n    base_url=${pythonLiteral(baseUrl)},\n    api_key=${pythonLiteral(key)},\n)`;
  const method = isResponses ? "responses" : "chat.completions";
  const call = `client.${method}.create(\n${parameters.join("\n")}\n)`;
  const end = isResponses ? responsesEnd(call, Boolean(body.stream)) : body.stream
    ? `for chunk in ${call}:\n    for choice in chunk.choices:\n        print(choice.delta.content or "", end="", flush=True)`
    : `completion = ${call}\nprint(completion.choices[0].message.content)`;
  return `from openai import OpenAI\n\n${client}\n${end}\n`;
}

/**
 * @param {string} call
 * @param {boolean} isStream
 */
function responsesEnd(call, isStream) {
  return isStream
    ? `for event in ${call}:\n    if event.type == "response.output_text.delta":\n        print(event.delta, end="", flush=True)`
    : `response = ${call}\nprint(response.output_text)`;
}

/**
 * Return Python code that uses requests, for anything that the OpenAI SDK does not send.
 * @param {AnyRequest} request
 */
export function requestsSnippet({ method, url, headers, body }) {
  const parameters = [pythonLiteral(method), pythonLiteral(url), `headers=${pythonLiteral(headers)}`];
  if (typeof body === "string") parameters.push(`data=${pythonLiteral(body)}.encode(errors="surrogatepass")`);
  else if (body !== null) parameters.push(`json=${pythonLiteral(body)}`);
  if (body?.stream) parameters.push("stream=True");
  const call = `requests.request(\n${parameters.map((parameter) => `    ${parameter},\n`).join("")})`;
  const end = body?.stream
    ? "for line in response.iter_lines(decode_unicode=True):\n    print(line)"
    : "print(response.status_code, response.text)";
  return `import requests\n\nresponse = ${call}\n${end}\n`;
}

/**
 * Return a JSON value as a Python literal.
 * @param {any} value
 * @returns {string}
 */
export function pythonLiteral(value) {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (value === Infinity) return "1e999"; // of a JSON number beyond the range of a float
  if (value === -Infinity) return "-1e999";
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(", ")}]`;
  if (typeof value === "object") {
    const items = Object.entries(value).map(([name, item]) => `${pythonLiteral(name)}: ${pythonLiteral(item)}`);
    return `{${items.join(", ")}}`;
  }
  // JSON's escapes in strings are also Python's; JSON.stringify escapes lone surrogates, too.
  return escapeInvisible(JSON.stringify(value), pythonEscape);
}

/**
 * Return a text as one word of a POSIX shell: in single quotes, each single quote in it as '\''. Control characters,
 * which a terminal would interpret, are replaced; only line breaks stay.
 * @param {string} text
 */
export function quoteForShell(text) {
  const printable = text.replace(/[^\P{Cc}\n\t]/gu, "\uFFFD");
  return `'${printable.replaceAll("'", "'\\''")}'`;
}

/**
 * @param {string} text
 * @param {(codePoint: number) => string} escape
 */
function escapeInvisible(text, escape) {
  return text.replace(INVISIBLE, (character) => escape(character.codePointAt(0) ?? 0));
}

/** @param {number} codePoint */
function pythonEscape(codePoint) {
  const digits = codePoint.toString(16);
  return codePoint > 0xffff ? `\\U${digits.padStart(8, "0")}` : `\\u${digits.padStart(4, "0")}`;
}

/** @param {number} codePoint */
function jsonEscape(codePoint) {
  const units = String.fromCodePoint(codePoint).split("");
  return units.map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
}
