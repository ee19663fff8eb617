// A request in the words of other clients, to copy: the same bytes for a shell, the same meaning in Python.

/** For a shell. */
export function curlCommand({ url, headers, body }) {
  const stated = Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`);
  const flags = body.stream ? "-sN" : "-s";
  return [`curl ${flags} ${quoted(url)}`, ...stated, `-d ${quoted(JSON.stringify(body))}`].join(" \\\n  ");
}

/** With the OpenAI SDK; `more` are headers besides the key. */
export function openaiSnippet({ base, key, body, more = {} }) {
  const words = Object.entries(body).map(([name, value]) => `    ${name}=${pythonLiteral(value)},`);
  if (Object.keys(more).length) words.push(`    extra_headers=${pythonLiteral(more)},`);
  const client = `client = OpenAI(\n    base_url=${pythonLiteral(base)},\n    api_key=${pythonLiteral(key)},\n)`;
  const call = `client.chat.completions.create(\n${words.join("\n")}\n)`;
  const end = body.stream
    ? `for chunk in ${call}:\n    for choice in chunk.choices:\n        print(choice.delta.content or "", end="", flush=True)`
    : `answer = ${call}\nprint(answer.choices[0].message.content)`;
  return `from openai import OpenAI\n\n${client}\n${end}\n`;
}

/** With requests, for a vendor that no OpenAI client can be pointed at. */
export function requestsSnippet({ url, headers, body }) {
  const stream = body.stream ? "    stream=True,\n" : "";
  const call = `requests.post(\n    ${pythonLiteral(url)},\n    headers=${pythonLiteral(headers)},\n    json=${pythonLiteral(body)},\n${stream})`;
  const end = body.stream
    ? "for line in answer.iter_lines(decode_unicode=True):\n    print(line)"
    : "print(answer.status_code, answer.json())";
  return `import requests\n\nanswer = ${call}\n${end}\n`;
}

/** A value of JSON as Python writes it. */
export function pythonLiteral(value) {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(", ")}]`;
  if (typeof value === "object") {
    return `{${Object.entries(value).map(([name, one]) => `${pythonLiteral(name)}: ${pythonLiteral(one)}`).join(", ")}}`;
  }
  return JSON.stringify(value);
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
