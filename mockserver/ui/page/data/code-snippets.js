// A request as code for other clients, to copy: a curl command, or Python with the OpenAI SDK or requests.

/** @import { BuiltRequest } from "./request-builder.js" */

/**
 * Return a curl command for a POSIX shell.
 * @param {BuiltRequest} request
 */
export function curlCommand({ url, headers, body }) {
  const options = Object.entries(headers).map(([name, value]) => `-H ${quoteForShell(`${name}: ${value}`)}`);
  const flags = body.stream ? "-sN" : "-s";
  return [`curl ${flags} ${quoteForShell(url)}`, ...options, `-d ${quoteForShell(JSON.stringify(body))}`].join(" \\\n  ");
}

/**
 * Return Python code that uses the OpenAI SDK.
 * @param {{baseUrl: string, key: string, headers: Record<string, string>, body: Record<string, any>}} request
 */
export function openaiSnippet({ baseUrl, key, headers, body }) {
  const parameters = Object.entries(body).map(([name, value]) => `    ${name}=${pythonLiteral(value)},`);
  if (Object.keys(headers).length) parameters.push(`    extra_headers=${pythonLiteral(headers)},`);
  const client = `client = OpenAI(\n    base_url=${pythonLiteral(baseUrl)},\n    api_key=${pythonLiteral(key)},\n)`;
  const call = `client.chat.completions.create(\n${parameters.join("\n")}\n)`;
  const end = body.stream
    ? `for chunk in ${call}:\n    for choice in chunk.choices:\n        print(choice.delta.content or "", end="", flush=True)`
    : `completion = ${call}\nprint(completion.choices[0].message.content)`;
  return `from openai import OpenAI\n\n${client}\n${end}\n`;
}

/**
 * Return Python code that uses requests, for vendors that no OpenAI client can reach.
 * @param {Omit<BuiltRequest, "path">} request
 */
export function requestsSnippet({ url, headers, body }) {
  const stream = body.stream ? "    stream=True,\n" : "";
  const call = `requests.post(\n    ${pythonLiteral(url)},\n    headers=${pythonLiteral(headers)},\n    json=${pythonLiteral(body)},\n${stream})`;
  const end = body.stream
    ? "for line in response.iter_lines(decode_unicode=True):\n    print(line)"
    : "print(response.status_code, response.json())";
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
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(", ")}]`;
  if (typeof value === "object") {
    const items = Object.entries(value).map(([name, item]) => `${pythonLiteral(name)}: ${pythonLiteral(item)}`);
    return `{${items.join(", ")}}`;
  }
  return JSON.stringify(value);
}

/** @param {string} text */
function quoteForShell(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
