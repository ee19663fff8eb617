// The request that the playground sends, built from its form.

import { resolveUrl } from "../lib/api.js";

/**
 * How a vendor is reached, as the admin API lists it. `openai` is the base path for OpenAI clients.
 * @typedef {object} VendorView
 * @property {string} title
 * @property {string} chat
 * @property {string | null} openai
 * @property {string} key_header
 * @property {string | null} key_scheme
 * @property {string} sample_key
 * @property {string} sample_model
 * @property {string[]} models
 */

/**
 * @typedef {object} PlaygroundForm
 * @property {string} model
 * @property {string} key
 * @property {string} session
 * @property {string} system
 * @property {string} user
 * @property {string} error
 * @property {string} retryAfter
 * @property {string} delay
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
  model: "",
  key: "",
  session: "playground",
  system: "",
  user: "Hello",
  error: "",
  retryAfter: "",
  delay: "",
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
  const path = vendor.chat.replace("{model}", encodeURIComponent(form.model));
  const messages = [];
  if (form.system) messages.push({ role: "system", content: form.system });
  messages.push({ role: "user", content: form.user });
  const model = path === vendor.chat ? { model: form.model } : {}; // or it is part of the path
  const stream = form.stream ? { stream: true } : {};
  return {
    path,
    url: resolveUrl(`${name}${path}`),
    headers: { "content-type": "application/json", ...keyHeader(vendor, form.key), ...mockHeaders(form) },
    body: { ...model, messages, ...stream },
  };
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
    "x-mock-fault": form.fault && form.fault + form.faultPoint,
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
