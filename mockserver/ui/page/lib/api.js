// Requests to the admin API. Every URL is relative to the page, so that the UI works behind a path prefix.

const TOKEN_KEY = "mockserver-token";

/** An error response of the admin API. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} message the server's own message
   * @param {Problem[]} [problems] the mistakes in a document that was sent
   * @param {Record<string, any>} [details] what else the server says about the error
   */
  constructor(status, message, problems = [], details = {}) {
    super(message);
    this.status = status;
    this.problems = problems;
    this.details = details;
  }
}

/**
 * A mistake in a YAML document; `line` and `column` count from 1 and are 0 where the position is unknown.
 * @typedef {{source: string, line: number, column: number, path: string, message: string}} Problem
 */

/** @type {(wasRefused: boolean) => Promise<void>} */
let promptForToken = async () => {};

/**
 * Set the function that is called, and awaited, when the server asks for a token.
 * @param {(wasRefused: boolean) => Promise<void>} prompt
 */
export function onUnauthorized(prompt) {
  promptForToken = prompt;
}

/**
 * Keep the token for this browser tab only.
 * @param {string} token
 */
export function storeToken(token) {
  sessionStorage.setItem(TOKEN_KEY, token);
}

/**
 * Return the absolute URL of a path on this server.
 * @param {string} path
 */
export function resolveUrl(path) {
  return new URL(path, document.baseURI).href;
}

/**
 * Return the query string that selects a session, empty for all sessions.
 * @param {string | null | undefined} session
 */
export function sessionQuery(session) {
  return session ? `?session=${encodeURIComponent(session)}` : "";
}

/**
 * Send a request to the admin API. Ask for the token, and try again, as long as the server answers 401.
 * @param {string} method
 * @param {string} path below `_mock`
 * @param {{body?: unknown, text?: string, headers?: Record<string, string>}} [options] `body` is sent as JSON
 */
export async function fetchApi(method, path, { body, text, headers = {} } = {}) {
  for (;;) {
    const token = sessionStorage.getItem(TOKEN_KEY);
    const allHeaders = { ...headers };
    if (body !== undefined) allHeaders["content-type"] = "application/json";
    if (token) allHeaders.authorization = `Bearer ${token}`;
    const response = await fetch(resolveUrl(`_mock${path}`), {
      method,
      headers: allHeaders,
      body: body === undefined ? (text ?? null) : JSON.stringify(body),
      cache: "no-store",
    }).catch(reportNoServer);
    if (response.status !== 401) return response;
    await promptForToken(token !== null);
  }
}

/**
 * Replace the browser's own error, which differs from browser to browser and says little.
 * @returns {never}
 */
function reportNoServer() {
  throw new ApiError(0, "The server does not answer.");
}

/**
 * Return the JSON (or text) of a response. Throws ApiError.
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 */
export async function requestJson(method, path, body) {
  return readBody(await fetchApi(method, path, { body }));
}

/**
 * Send a YAML document and return the JSON of the response. Throws ApiError.
 * @param {string} method
 * @param {string} path
 * @param {string} text
 */
export async function sendYaml(method, path, text) {
  return readBody(await fetchApi(method, path, { text, headers: { "content-type": "application/yaml" } }));
}

/** @param {Response} response */
async function readBody(response) {
  const isJson = (response.headers.get("content-type") ?? "").startsWith("application/json");
  const body = isJson ? await response.json() : await response.text();
  if (response.ok) return body;
  const error = body?.error ?? {};
  throw new ApiError(response.status, error.message ?? `${response.status} ${response.statusText}`, error.problems, error);
}
