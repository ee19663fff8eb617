// The control API and the vendors, asked. Every address is relative to the page, so that it works behind a prefix.

const KEY = "mockserver-token";

/** What was refused, in the server's own words. */
export class ApiError extends Error {
  constructor(status, message, more = {}) {
    super(message);
    this.status = status;
    this.more = more;
  }
}

/** Waits until somebody has given the token; `main` says how one is asked for it. */
let unlock = async () => {};
export function onUnauthorized(ask) {
  unlock = ask;
}

/** Kept for this tab alone: it is gone when the tab is. */
export function storeToken(token) {
  sessionStorage.setItem(KEY, token);
}

/** An address of this server, as the browser reaches it. */
export function resolveUrl(path) {
  return new URL(path, document.baseURI).href;
}

/** A call of the control API; asks for the token, and asks again, as often as that is refused. */
export async function fetchApi(method, path, { body, text, headers = {}, signal } = {}) {
  for (;;) {
    const token = sessionStorage.getItem(KEY);
    const sent = { ...headers };
    if (body !== undefined) sent["content-type"] = "application/json";
    if (token) sent.authorization = `Bearer ${token}`;
    const response = await fetch(resolveUrl(`_mock${path}`), {
      method,
      headers: sent,
      body: body === undefined ? text : JSON.stringify(body),
      cache: "no-store",
      signal,
    });
    if (response.status !== 401) return response;
    await unlock(token !== null);
  }
}

/** The JSON (or text) that is told. Throws Refused. */
export async function requestJson(method, path, body) {
  return told(await fetchApi(method, path, { body }));
}

/** The same with a text of YAML. */
export async function sendYaml(method, path, text) {
  return told(await fetchApi(method, path, { text, headers: { "content-type": "application/yaml" } }));
}

async function told(response) {
  const json = (response.headers.get("content-type") ?? "").startsWith("application/json");
  const said = json ? await response.json() : await response.text();
  if (!response.ok) {
    const error = said?.error ?? {};
    throw new ApiError(response.status, error.message ?? `${response.status} ${response.statusText}`, error);
  }
  return said;
}
