// One request as a conversation: what was said before, and what was answered, whether as a body or as a stream.

/** `[{role, name, text, reasoning, calls: [{name, arguments}], images}]`, the answer's choices at the end. */
export function buildConversation({ request, response }) {
  const body = request.body ?? {};
  const asked = Array.isArray(body.messages) ? body.messages : body.prompt ? [{ role: "user", content: body.prompt }] : [];
  return [...asked.filter((one) => one && typeof one === "object").map(turn), ...responseMessages(response).map(turn)];
}

/** The messages that were heard: one for each choice; none where the answer is no such thing. */
export function responseMessages(response) {
  if (!response) return [];
  if (response.events) return folded(response.events.map(({ data }) => parsed(data)));
  return (parsed(response.body)?.choices ?? []).map((choice) => ({ role: "assistant", ...choice.message }));
}

/** What a vendor says is wrong; null where nothing is. */
export function errorMessage(response) {
  const told = response?.body ? parsed(response.body) : null;
  const error = told?.error ?? told?.detail ?? told?.message;
  if (!error || told.choices) return null;
  return typeof error === "string" ? error : (error.message ?? JSON.stringify(error));
}

/** The JSON in a text, indented; the text where it is none. */
export function prettyJson(value) {
  const told = typeof value === "string" ? parsed(value) : value;
  return told === undefined ? value : JSON.stringify(told, null, 2);
}

function turn({ role, name, content, reasoning_content, refusal, tool_calls, tool_call_id }) {
  const parts = Array.isArray(content) ? content : [{ type: "text", text: content ?? refusal ?? "" }];
  return {
    role: role ?? "assistant",
    name: name ?? tool_call_id ?? "",
    text: parts.map((part) => part.text ?? "").filter(Boolean).join("\n"),
    reasoning: reasoning_content ?? "",
    calls: (tool_calls ?? []).map((call) => call.function).filter(Boolean),
    images: parts.map((part) => part.image_url?.url ?? part.image_url).filter((url) => typeof url === "string"),
  };
}

function folded(events) {
  const choices = [];
  for (const { index = 0, delta = {} } of events.flatMap((event) => event?.choices ?? [])) {
    const message = (choices[index] ??= { role: "assistant", content: "", reasoning_content: "", tool_calls: [] });
    message.content += delta.content ?? delta.refusal ?? "";
    message.reasoning_content += delta.reasoning_content ?? "";
    for (const { index: at = 0, function: said = {} } of delta.tool_calls ?? []) {
      const call = (message.tool_calls[at] ??= { function: { name: "", arguments: "" } });
      call.function.name += said.name ?? "";
      call.function.arguments += said.arguments ?? "";
    }
  }
  return choices.filter(Boolean);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
