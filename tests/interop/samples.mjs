// The JavaScript sample of Omixa's page, with only the host changed.
import assert from "node:assert/strict";

const response = await fetch(`${process.env.MOCKSERVER_URL}/api/v1/chat/completions`, {
method: 'POST',
headers: {
'Authorization': 'Bearer omx_live_xxx',
'Content-Type': 'application/json'
},
body: "{\n \"model\": \"o1-preview\",\n \"messages\": [\n {\n \"role\": \"system\",\n \"content\": \"You are a concise API assistant.\"\n },\n {\n \"role\": \"user\",\n \"content\": \"Explain this model in three practical bullet points.\"\n }\n ],\n \"stream\": false,\n \"max_tokens\": 2048,\n \"reasoning_effort\": \"low\",\n \"show_thinking\": true,\n \"service_tier\": \"priority\",\n \"tools\": [\n {\n \"type\": \"function\",\n \"function\": {\n \"name\": \"lookup_order\",\n \"description\": \"Return order status by ID.\",\n \"parameters\": {\n \"type\": \"object\",\n \"properties\": {\n \"order_id\": {\n \"type\": \"string\"\n }\n },\n \"required\": [\n \"order_id\"\n ]\n }\n }\n }\n ],\n \"tool_choice\": \"auto\"\n }"
});
const data = await response.json();

assert.equal(response.status, 200);
assert.deepEqual(data.choices[0].message, { role: "assistant", content: "..." });
assert.deepEqual(data.usage, { prompt_tokens: 123, completion_tokens: 45, total_tokens: 168 });

// A page in a browser, of another origin, would first ask whether it may.
const preflight = await fetch(`${process.env.MOCKSERVER_URL}/v1/chat/completions`, {
  method: "OPTIONS",
  headers: { Origin: "http://app.test", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, content-type" },
});
assert.equal(preflight.status, 200);
assert.equal(preflight.headers.get("access-control-allow-origin"), "*");
assert.match(preflight.headers.get("access-control-allow-headers"), /authorization/i);

console.log("fetch of node", process.versions.node);
