// The items of the Responses API as messages of a chat, which say the same.

/**
 * Return the messages that the input of a request says; the texts of a request for embeddings are messages, too.
 * @param {any} body
 * @returns {any[]}
 */
export function inputMessages({ input, instructions }) {
  const items = typeof input === "string" ? [input] : Array.isArray(input) ? input : [];
  const system = instructions ? [{ role: "system", content: instructions }] : [];
  return [...system, ...items.map((item) => (typeof item === "string" ? { role: "user", content: item } : toChatMessage(item))).filter(Boolean)];
}

/**
 * Return the messages of a response: of the whole one, or of what a stream has sent of it.
 * @param {any[]} bodies one body, or the data of each event
 * @returns {any[]}
 */
export function outputMessages(bodies) {
  const whole = bodies.map((body) => body?.output ?? body?.response?.output).findLast((output) => output?.length);
  if (whole) return whole.map(toChatMessage).filter(Boolean);
  const deltas = bodies.filter((body) => /^response\.(output_text|refusal)\.delta$/.test(body?.type));
  return deltas.length ? [{ role: "assistant", content: deltas.map(({ delta }) => delta).join("") }] : [];
}

/**
 * Return what an event of a stream adds to the answer, as the delta of a chat completion; null if nothing.
 * @param {any} event
 * @returns {any}
 */
export function toChatDelta({ type, delta, item, output_index: index }) {
  switch (type) {
    case "response.output_text.delta":
    case "response.refusal.delta":
      return { content: delta };
    case "response.reasoning_summary_text.delta":
      return { reasoning_content: delta };
    case "response.output_item.added":
      return item?.type === "function_call" ? { tool_calls: [{ index, function: { name: item.name } }] } : null;
    case "response.function_call_arguments.delta":
      return { tool_calls: [{ index, function: { arguments: delta } }] };
    default:
      return null;
  }
}

/** @param {any} item */
function toChatMessage(item) {
  switch (item?.type) {
    case "function_call":
      return { role: "assistant", tool_calls: [{ function: { name: item.name, arguments: item.arguments } }] };
    case "function_call_output":
      return { role: "tool", tool_call_id: item.call_id, content: item.output };
    case "reasoning":
      return item.summary?.length && { role: "assistant", reasoning_content: joinTexts(item.summary) };
    default:
      return item?.role && { ...item, content: toParts(item.content) };
  }
}

/** @param {any} content */
function toParts(content) {
  return Array.isArray(content) ? content.map((part) => ({ ...part, text: part.text ?? part.refusal })) : content;
}

/** @param {{text: string}[]} parts */
function joinTexts(parts) {
  return parts.map(({ text }) => text).join("\n");
}
