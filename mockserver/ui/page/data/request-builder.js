// What the playground asks: from what was chosen in its form to a request that any client could make.

import { resolveUrl } from "../lib/api.js";

/** The choices of a form that nobody has touched; a vendor's own model and key are chosen with it. */
export const DEFAULT_FORM = {
  model: "",
  key: "",
  session: "playground",
  system: "",
  user: "Hello",
  error: "",
  after: "",
  delay: "",
  fault: "",
  where: "",
};

/** The request: `{path, url, headers, body}`, the path without the vendor's prefix. */
export function buildRequest(name, vendor, form) {
  const path = vendor.chat.replace("{model}", encodeURIComponent(form.model));
  const messages = [];
  if (form.system) messages.push({ role: "system", content: form.system });
  messages.push({ role: "user", content: form.user });
  const model = path === vendor.chat ? { model: form.model } : {}; // or it stands in the path
  const stream = form.stream ? { stream: true } : {};
  return {
    path,
    url: resolveUrl(`${name}${path}`),
    headers: { "content-type": "application/json", ...keyed(vendor, form.key), ...mockHeaders(form) },
    body: { ...model, messages, ...stream },
  };
}

/** What is asked of the mock alone. */
export function mockHeaders(form) {
  const headers = {
    "x-mock-session": form.session,
    "x-mock-error": form.error,
    "x-mock-retry-after": form.error && form.after,
    "x-mock-delay": form.delay,
    "x-mock-fault": form.fault && form.fault + form.where,
  };
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value));
}

function keyed(vendor, key) {
  if (!key) return {};
  return { [vendor.key_header]: vendor.key_scheme ? `${vendor.key_scheme} ${key}` : key };
}
