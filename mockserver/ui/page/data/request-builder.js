// The request that the playground sends, built from its form.

import { resolveUrl } from "../lib/api.js";
import { attachmentFields } from "./sample-requests.js";

/**
 * How a vendor is reached, as the admin API lists it. `openai` is the base path for OpenAI clients, `responses` the path
 * of the Responses API.
 * @typedef {object} VendorView
 * @property {string} title
 * @property {string} chat
 * @property {string | null} responses
 * @property {string | null} openai
 * @property {string} key_header
 * @property {string | null} key_scheme
 * @property {string} sample_key
 * @property {string} sample_model
 * @property {string[]} models
 * @property {string[]} responses_models
 */

/**
 * @typedef {object} PlaygroundForm
 * @property {string} api `chat` or `responses`
 * @property {string} model
 * @property {string} key
 * @property {string} session
 * @property {string} system
 * @property {string} user
 * @property {string} attachment a tool or a JSON schema
 * @property {string} error
 * @property {string} retryAfter
 * @property {string} delay
 * @property {string} pace of a stream, in bytes per second
 * @property {string} fault
 * @property {string} faultPoint
 */

/**
 * `path` is without the vendor's prefix, `url` is absolute.
 * @typedef {{path: string, url: string, headers: Record<string, string>, body: Record<string, any>}} BuiltRequest
 */

/**
 * The values of an unchanged form; model and key are set with the vendor.
 * @type {PlaygroundForm}
 */
export const DEFAULT_FORM = {
  api: "chat",
  model: "",
  key: "",
  session: "playground",
  system: "",
  user: "Hello",
  attachment: "",
  error: "",
  retryAfter: "",
  delay: "",
  pace: "",
  fault: "",
  faultPoint: "",
};

/**
 * Build the request.
 * @param {string} name of the vendor
 * @param {VendorView} vendor
 * @param {PlaygroundForm & {stream: boolean}} form
 * @returns {BuiltRequest}
 */
export function buildRequest(name, vendor, form) {
  const isResponses = form.api === "responses" && vendor.responses !== null;
  const path = isResponses ? String(vendor.responses) : vendor.chat.replace("{model}", encodeURIComponent(form.model));
  const model = path === vendor.chat || isResponses ? { model: form.model } : {}; // or it is part of the path
  const prompt = isResponses ? buildInput(form) : { messages: buildMessages(form) };
  const stream = form.stream ? { stream: true } : {};
  return {
    path,
    url: resolveUrl(`${name}${path}`),
    headers: { "content-type": "application/json", ...keyHeader(vendor, form.key), ...mockHeaders(form) },
    body: { ...model, ...prompt, ...attachmentFields(form.attachment, isResponses), ...stream },
  };
}

/** @param {PlaygroundForm} form */
function buildInput({ system, user }) {
  return { ...(system && { instructions: system }), input: user };
}

/** @param {PlaygroundForm} form */
function buildMessages({ system, user }) {
  const instructions = system ? [{ role: "system", content: system }] : [];
  return [...instructions, { role: "user", content: user }];
}

/**
 * Return the `x-mock-*` headers.
 * @param {PlaygroundForm} form
 * @returns {Record<string, string>}
 */
export function mockHeaders(form) {
  const headers = {
    "x-mock-session": form.session,
    "x-mock-error": form.error,
    "x-mock-retry-after": form.error && form.retryAfter,
    "x-mock-delay": form.delay,
    "x-mock-fault": form.fault ? form.fault + form.faultPoint : form.pace && `slow=${form.pace}`,
  };
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value));
}

/**
 * @param {VendorView} vendor
 * @param {string} key
 * @returns {Record<string, string>}
 */
function keyHeader(vendor, key) {
  if (!key) return {};
  return { [vendor.key_header]: vendor.key_scheme ? `${vendor.key_scheme} ${key}` : key };
}
